import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { askEngine } from '../support/ask-engine';
import { findProcesses } from '../support/close-engine';
import { openPrivateEngine, type PrivateEngine } from '../support/private-engine';

const run = promisify(execFile);
const waitForTerm = 'trap "exit 0" TERM; while :; do sleep 1 & wait; done';

function killPrograms(folder: string): void {
  const pids = findProcesses(folder).filter((pid) =>
    readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder),
  );
  for (const pid of pids) process.kill(pid, 'SIGKILL');
}

describe('a private engine', () => {
  let engine: PrivateEngine;
  beforeAll(async () => {
    engine = await openPrivateEngine();
  });
  afterAll(() => engine.close());

  const docker = async (...args: string[]) => {
    const { stdout } = await run('docker', args, { env: { ...process.env, DOCKER_HOST: engine.address } });
    return stdout.trim();
  };
  const startContainer = (...args: string[]) => docker('run', '--detach', ...args, 'castoff-spec/busybox:1');

  it("answers on its own socket and leaves the machine's engine alone", async () => {
    const { body } = await askEngine(engine.socketPath, 'GET', '/info');
    expect(JSON.parse(body)).toMatchObject({ DockerRootDir: engine.dataRoot });
    expect(existsSync('/sys/class/net/docker0')).toBe(true);
  });

  it('lets containers on one network reach each other by name', async () => {
    await docker('network', 'create', 'between');
    await startContainer('--network', 'between', '--name', 'callee');
    const answer = await docker(
      'run',
      '--rm',
      '--network',
      'between',
      'castoff-spec/busybox:1',
      'ping',
      '-c1',
      'callee',
    );
    expect(answer).toContain('1 packets received');
    await docker('rm', '--force', 'callee');
    await docker('network', 'rm', 'between');
  });

  it('knows its containers and their endpoints again after a SIGKILL and a restart', async () => {
    await docker('network', 'create', 'kept');
    const id = await startContainer('--network', 'kept');
    await engine.kill();
    await expect(askEngine(engine.socketPath, 'GET', '/_ping')).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    });
    await engine.start();
    expect(await docker('inspect', '--format', '{{.State.Status}}', id)).toBe('running');
    expect(await docker('network', 'inspect', '--format', '{{json .Containers}}', 'kept')).toContain(id);
  });

  it('runs containers that end on SIGTERM when their first process asks for it', async () => {
    const id = await docker('run', '--detach', 'castoff-spec/busybox:1', 'sh', '-c', waitForTerm);
    await docker('stop', '--time', '10', id);
    expect(await docker('inspect', '--format', '{{.State.ExitCode}}', id)).toBe('0');
  });
});

describe('a private engine that is closed', () => {
  const states: [string, (engine: PrivateEngine) => Promise<void> | void][] = [
    ['while it runs', () => undefined],
    ['after a SIGKILL of dockerd', (engine) => engine.kill()],
    ['after a SIGKILL of all that is not a container', (engine) => killPrograms(dirname(engine.socketPath))],
  ];

  it.each(states)(
    'leaves no process, mount, namespace, cgroup or folder behind: %s',
    async (_, bringAbout) => {
      const engine = await openPrivateEngine();
      const folder = dirname(engine.socketPath);
      const env = { ...process.env, DOCKER_HOST: engine.address };
      await run('docker', ['run', '--detach', '--name', 'sleeper', 'castoff-spec/busybox:1'], { env });
      const { stdout: pid } = await run('docker', ['inspect', '--format', '{{.State.Pid}}', 'sleeper'], {
        env,
      });
      expect(findProcesses(folder)).toContain(Number(pid));
      await bringAbout(engine);

      await Promise.all([engine.close(), engine.close()]);

      expect(existsSync(`/proc/${pid.trim()}/exe`)).toBe(false);
      expect(findProcesses(folder)).toEqual([]);
      expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(folder);
      expect(existsSync(folder)).toBe(false);
      const { stdout: cgroups } = await run('find', ['/sys/fs/cgroup', '-name', basename(folder)]);
      expect(cgroups).toBe('');
    },
  );
});
