import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import Docker from 'dockerode';
import { cleanupContainer, cleanupNetwork, cleanupVolume, openScope } from '../../lib/index';
import { askEngine } from '../support/ask-engine';
import { findProcesses } from '../support/close-engine';
import { dockerCommand } from '../support/docker-command';
import { openFaultProxy, type FaultProxy } from '../support/fault-proxy';
import { openPrivateEngine, type PrivateEngine } from '../support/private-engine';
import { isLong } from '../support/spec-size';
import { createIdleContainer, createRunningContainer, createThing, exists } from '../support/things';

const run = promisify(execFile);
const waitForTerm = 'trap "exit 0" TERM; while :; do sleep 1 & wait; done';

let engine: PrivateEngine;
let docker: Docker;
beforeAll(async () => {
  engine = await openPrivateEngine();
  docker = new Docker({ socketPath: engine.socketPath });
});
afterAll(() => engine.close());

describe('a private engine', () => {
  const command = (...args: string[]) => dockerCommand(engine.address, args);
  const startContainer = (...args: string[]) => command('run', '--detach', ...args, 'castoff-spec/busybox:1');

  it("answers on its own socket and leaves the machine's engine alone", async () => {
    const { body } = await askEngine(engine.socketPath, 'GET', '/info');
    expect(JSON.parse(body)).toMatchObject({ DockerRootDir: engine.dataRoot });
    expect(existsSync('/sys/class/net/docker0')).toBe(true);
  });

  it('lets containers on one network reach each other by name', async () => {
    await command('network', 'create', 'between');
    await startContainer('--network', 'between', '--name', 'callee');
    const answer = await command(
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
    await command('rm', '--force', 'callee');
    await command('network', 'rm', 'between');
  });

  it('finds its containers and their endpoints after a SIGKILL and a restart', async () => {
    await command('network', 'create', 'kept');
    const id = await startContainer('--network', 'kept');
    await engine.kill();
    await expect(askEngine(engine.socketPath, 'GET', '/_ping')).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    });
    await engine.start();
    expect(await command('inspect', '--format', '{{.State.Status}}', id)).toBe('running');
    expect(await command('network', 'inspect', '--format', '{{json .Containers}}', 'kept')).toContain(id);
    await command('rm', '--force', id);
    await command('network', 'rm', 'kept');
  });

  it('runs containers that end on SIGTERM when their first process handles it', async () => {
    const id = await command('run', '--detach', 'castoff-spec/busybox:1', 'sh', '-c', waitForTerm);
    await command('stop', '--time', '10', id);
    expect(await command('inspect', '--format', '{{.State.ExitCode}}', id)).toBe('0');
    await command('rm', id);
  });
});

async function whatIsThere(): Promise<readonly string[]> {
  const [containers, networks, { Volumes }] = await Promise.all([
    docker.listContainers({ all: true }),
    docker.listNetworks({ filters: { type: ['custom'] } }),
    docker.listVolumes(),
  ]);
  return [
    ...containers.map(({ Id }) => Id),
    ...networks.map(({ Id }) => Id),
    ...(Volumes ?? []).map(({ Name }) => Name),
  ];
}

/** Returns those that dockerd has on disk, whether it runs or not. */
function onDisk(containers: readonly string[]): readonly string[] {
  return containers.filter((id) => existsSync(join(engine.dataRoot, 'containers', id)));
}

/** Creates 20 containers, of which 5 run, and some networks and volumes, with a cleanup function for each. */
async function makeMany(address: string) {
  const times = <T>(count: number, make: () => Promise<T>): Promise<T[]> =>
    Promise.all(Array.from({ length: count }, make));
  const idle = await times(15, () => createIdleContainer({}, docker));
  // Removed last, and slower than idle ones: the engine is killed in the middle.
  const containers = [...idle, ...(await times(5, () => createRunningContainer({}, docker)))];
  const networks = await times(3, () => createThing('network', docker));
  const volumes = await times(3, () => createThing('volume', docker));
  const options = { engine: address, timeoutMs: 40_000 };
  const cleanups = [
    ...containers.map((id) => () => cleanupContainer(id, options)),
    ...networks.map((id) => () => cleanupNetwork(id, options)),
    ...volumes.map((name) => () => cleanupVolume(name, options)),
  ];
  return { containers, cleanups };
}

const moments: readonly [string, (proxy: FaultProxy) => Promise<unknown>][] = [
  [
    'after all have been requested',
    async (proxy) => {
      const removals = (): number => proxy.calls.filter(({ method }) => method === 'DELETE').length;
      await proxy.until(() => removals() >= 20, 20_000);
    },
  ],
  [
    'after the first response, before half have been requested',
    async (proxy) => {
      proxy.inject({
        on: 'DELETE **',
        fault: (_asked, nth) => (nth % 2 === 0 ? { type: 'delay', ms: 3_000 } : undefined),
        times: Infinity,
      });
      await proxy.until(({ method, ended }) => method === 'DELETE' && ended === 'answered', 20_000);
    },
  ],
];

describe('an engine that is killed in the middle of 20 removals', () => {
  // The crash may have lost the list of networks; dockerd recreates its own when it starts without a running
  // container.
  afterEach(async () => {
    const networks = await docker.listNetworks();
    if (networks.some(({ Name }) => Name === 'none')) return;
    await engine.kill();
    await engine.start();
  });

  it.each(moments)('and restarted completes all of them: %s', async (_when, moment) => {
    await using proxy = await openFaultProxy({ upstream: engine.socketPath });
    const { containers, cleanups } = await makeMany(proxy.address);
    expect(onDisk(containers)).toHaveLength(20);
    const killed = moment(proxy).then(() => engine.kill());
    const ends = Promise.allSettled(cleanups.map((clean) => clean()));
    await killed;
    expect(onDisk(containers)).not.toHaveLength(0);
    await engine.start();

    expect((await ends).filter(({ status }) => status === 'rejected')).toEqual([]);
    expect(await whatIsThere()).toEqual([]);
  });
});

describe('an engine that is killed in the middle of the removal of a volume', () => {
  it('completes the removal after a restart, although the volume may have lost its creation time', async () => {
    const name = await createThing('volume', docker);
    await using scope = openScope('adopts a volume', { engine: engine.address });
    await scope.adopt(name, 'volume');
    await engine.kill();
    await rm(join(engine.dataRoot, 'volumes', name, '_data'), { recursive: true });
    await engine.start();
    // Docker 20.10 now reports 0001-01-01T00:00:00Z as its creation time, and Docker 28 that of a new folder.
    await scope.close();
    expect(await exists('volume', name, docker)).toBe(false);
  });
});

function killPrograms(folder: string): void {
  const pids = findProcesses(folder).filter((pid) =>
    readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder),
  );
  for (const pid of pids) process.kill(pid, 'SIGKILL');
}

describe('a private engine that is closed', () => {
  const states: readonly [string, (engine: PrivateEngine) => Promise<void> | void][] = [
    ['after a SIGKILL of dockerd', (closing) => closing.kill()],
    ['after a SIGKILL of all that is not a container', ({ socketPath }) => killPrograms(dirname(socketPath))],
    ['while it runs', () => undefined],
  ];
  const sample = states.slice(-1);

  it.each(isLong ? states : sample)(
    'leaves no process, mount, namespace, cgroup or folder behind: %s',
    async (state, bringAbout) => {
      const closing = state === 'while it runs' ? engine : await openPrivateEngine();
      const folder = dirname(closing.socketPath);
      const client = new Docker({ socketPath: closing.socketPath });
      const id = await createRunningContainer({}, client);
      const { Pid: pid } = (await client.getContainer(id).inspect()).State;
      expect(findProcesses(folder)).toContain(pid);
      await bringAbout(closing);

      await Promise.all([closing.close(), closing.close()]);

      expect(existsSync(`/proc/${pid}/exe`)).toBe(false);
      expect(findProcesses(folder)).toEqual([]);
      expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(folder);
      expect(existsSync(folder)).toBe(false);
      const { stdout: cgroups } = await run('find', ['/sys/fs/cgroup', '-name', basename(folder)]);
      expect(cgroups).toBe('');
    },
  );
});
