import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { listPids, readProc } from './proc';
import { findFreePort } from './free-port';
import { until } from './until';

const run = promisify(execFile);
const startTimeoutMs = 15_000;

/** A separate sshd on loopback, with a `docker` command that connects to the given engine. */
export interface SshServer {
  /** `ssh://user@127.0.0.1:port` */
  readonly address: string;
  /** A `PATH` with an `ssh` that knows this server and its key, and ignores the user's configuration. */
  readonly path: string;
  readonly folder: string;
  /** Process ids and command lines of `ssh` clients of this server. */
  clients(): readonly string[];
  /** The same for processes on the server. */
  remoteCommands(): readonly string[];
  close(): Promise<void>;
}

/** @param engineAddress - The `DOCKER_HOST` of `docker` on the server. */
export async function openSshServer(engineAddress: string): Promise<SshServer> {
  const folder = await mkdtemp(join(tmpdir(), 'castoff-sshd-'));
  await writeKeysAndConfiguration(folder, engineAddress);
  const { port, sshd } = await startSshd(folder, await findSshd());
  const clients = () => commandLinesWith('cmdline', `-F\0${folder}/ssh_config`);
  return {
    address: `ssh://${userInfo().username}@127.0.0.1:${port}`,
    path: `${join(folder, 'bin')}${delimiter}${process.env['PATH']}`,
    folder,
    clients,
    remoteCommands: () => commandLinesWith('environ', `DOCKER_CONFIG=${folder}/docker`),
    async close() {
      // Pooled connections of castoff; the processes that serve them keep the stderr of sshd open.
      for (const line of clients()) endProcess(Number.parseInt(line, 10));
      await until(() => clients().length === 0, startTimeoutMs);
      await end(sshd);
      sshd.stderr?.destroy();
      await rm(folder, { recursive: true });
    },
  };
}

async function writeKeysAndConfiguration(folder: string, engineAddress: string): Promise<void> {
  for (const name of ['host_key', 'user_key']) {
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)]);
  }
  const hostKey = await readFile(join(folder, 'host_key.pub'), 'utf8');
  await writeFile(join(folder, 'known_hosts'), `castoff-spec ${hostKey}`);
  const server = {
    HostKey: `${folder}/host_key`,
    AuthorizedKeysFile: `${folder}/user_key.pub`,
    PidFile: 'none',
    StrictModes: 'no',
    UsePAM: 'no',
    PasswordAuthentication: 'no',
    KbdInteractiveAuthentication: 'no',
    PermitRootLogin: 'prohibit-password',
    MaxStartups: 10,
    SetEnv: `DOCKER_HOST=${engineAddress} DOCKER_CONFIG=${folder}/docker PATH=${process.env['PATH']}`,
  };
  const client = {
    IdentityFile: `${folder}/user_key`,
    IdentitiesOnly: 'yes',
    HostKeyAlias: 'castoff-spec',
    UserKnownHostsFile: `${folder}/known_hosts`,
    GlobalKnownHostsFile: 'none',
    StrictHostKeyChecking: 'yes',
  };
  await writeFile(join(folder, 'sshd_config'), settings(server));
  await writeFile(join(folder, 'ssh_config'), settings(client));
  await mkdir(join(folder, 'bin'));
  const { stdout: ssh } = await run('sh', ['-c', 'command -v ssh']);
  await writeFile(join(folder, 'bin/ssh'), `#!/bin/sh\nexec ${ssh.trim()} -F ${folder}/ssh_config "$@"\n`);
  await chmod(join(folder, 'bin/ssh'), 0o755);
}

function settings(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name} ${value}\n`)
    .join('');
}

async function findSshd(): Promise<string> {
  const { stdout } = await run('sh', ['-c', 'PATH=$PATH:/usr/sbin command -v sshd || true']);
  if (stdout === '') throw new Error('start sshd: not installed; run docker/tools.sh');
  return stdout.trim();
}

async function startSshd(folder: string, command: string): Promise<{ port: number; sshd: ChildProcess }> {
  // The privilege separation folder of sshd, which the package leaves to its service.
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true });
  for (;;) {
    const port = await findFreePort();
    const listen = `ListenAddress=127.0.0.1:${port}`;
    const sshd = spawn(command, ['-D', '-e', '-f', `${folder}/sshd_config`, '-o', listen], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let log = '';
    sshd.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
    const isListening = (): boolean => log.includes('Server listening on');
    await until(() => isListening() || sshd.exitCode !== null, startTimeoutMs);
    if (isListening()) return { port, sshd };
    await end(sshd);
    // Or another process took the port in the meantime.
    if (!log.includes('Address already in use'))
      throw new Error(`start sshd: it does not listen; its log:\n${log}`);
  }
}

function endProcess(pid: number): void {
  try {
    process.kill(pid);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function end(sshd: ChildProcess): Promise<void> {
  if (sshd.exitCode !== null || sshd.signalCode !== null) return;
  const exit = once(sshd, 'exit');
  sshd.kill();
  await exit;
}

/**
 * Process ids and command lines of the running processes whose file in /proc has `part` in it. Linux only.
 */
function commandLinesWith(file: 'cmdline' | 'environ', part: string): readonly string[] {
  return listPids()
    .filter((pid) => readProc(pid, file).includes(part))
    .map((pid) => `${pid} ${readProc(pid, 'cmdline').replaceAll('\0', ' ').trim()}`)
    .filter((line) => !/^\d+ $/.test(line));
}
