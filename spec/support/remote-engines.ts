import { execFile } from 'node:child_process';
import { appendFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openReaperFolder } from './session-child';
import { openSshServer } from './ssh-server';
import { openTcpFront, openTlsFront } from './tls-front';

/** The variables and the folder with which a process finds an engine. */
export interface EngineSetting {
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/** The machine's engine, behind mutual TLS and behind ssh, by the settings that people have. */
export interface RemoteEngines extends AsyncDisposable {
  /** `DOCKER_HOST`, `DOCKER_TLS_VERIFY` and a relative `DOCKER_CERT_PATH`. */
  readonly byVariables: EngineSetting;
  /** A context that `docker context use` has selected. */
  readonly byContext: EngineSetting;
  /** `DOCKER_HOST=tcp://host:port`, without TLS. */
  readonly byTcp: EngineSetting;
  /** `docker.host`, `docker.tls.verify` and `docker.cert.path` in `~/.testcontainers.properties`. */
  readonly byProperties: EngineSetting;
  /** `DOCKER_HOST=ssh://castoff-far`, a name that only the configuration of ssh knows. */
  readonly bySsh: EngineSetting;
}

/** Variables of the specs themselves, and of the machine. */
const unset = { DOCKER_HOST: '', DOCKER_CONTEXT: '', TESTCONTAINERS_HOST_OVERRIDE: '' };

/** Opens a TLS front and an ssh server in front of the engine at the default socket. */
export async function openRemoteEngines(): Promise<RemoteEngines> {
  const folder = await mkdtemp(join(tmpdir(), 'castoff-remote-'));
  const front = await openTlsFront(folder, '/var/run/docker.sock');
  const plain = await openTcpFront('/var/run/docker.sock');
  const ssh = await openSshServer('unix:///var/run/docker.sock');
  const files = ['ca', 'cert', 'key'].map((name) => `${name}=${front.certs}/${name}.pem`);
  const endpoint = [`host=${front.address}`, ...files].join(',');
  const docker = ['--config', join(folder, 'docker'), 'context', 'create', 'secure', '--docker', endpoint];
  await promisify(execFile)('docker', docker);
  await writeFile(join(folder, 'docker/config.json'), JSON.stringify({ currentContext: 'secure' }));
  await mkdir(join(folder, 'home'));
  const properties = { host: front.address, 'tls.verify': '1', 'cert.path': front.certs };
  await writeFile(
    join(folder, 'home/.testcontainers.properties'),
    Object.entries(properties)
      .map(([name, value]) => `docker.${name}=${value}\n`)
      .join(''),
  );
  const alias = `Host castoff-far\nHostName 127.0.0.1\nPort ${new URL(ssh.address).port}\n`;
  await appendFile(join(ssh.folder, 'ssh_config'), `${alias}User ${userInfo().username}\n`);
  const reapers = await openReaperFolder();
  const own = { ...unset, TMPDIR: reapers.folder, XDG_RUNTIME_DIR: '' };
  const setting = (env: EngineSetting['env']): EngineSetting => ({ env: { ...own, ...env }, cwd: folder });
  return {
    byVariables: setting({ DOCKER_HOST: front.address, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: './certs' }),
    byContext: setting({ DOCKER_CONFIG: join(folder, 'docker') }),
    byTcp: setting({ DOCKER_HOST: plain.address }),
    byProperties: setting({ HOME: join(folder, 'home') }),
    bySsh: setting({ DOCKER_HOST: 'ssh://castoff-far', PATH: ssh.path }),
    async [Symbol.asyncDispose]() {
      try {
        // A reaper whose engine goes first waits ten minutes for it to come back.
        await reapers[Symbol.asyncDispose]();
      } finally {
        await Promise.allSettled([front[Symbol.asyncDispose](), plain[Symbol.asyncDispose](), ssh.close()]);
        await rm(folder, { recursive: true });
      }
    },
  };
}
