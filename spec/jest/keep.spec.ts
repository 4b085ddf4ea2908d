import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import Docker from 'dockerode';
import { findProcesses } from '../support/close-engine';
import { composeClient } from '../support/compose-client';
import { startJest, type JestRun } from '../support/jest-run';
import { thingsOfRun } from '../support/jest-run-things';
import { openPrivateEngine, type PrivateEngine } from '../support/private-engine';
import { until } from '../support/until';

const run = promisify(execFile);
const goneTimeoutMs = 20_000;
const pauseMs = 200;
const cli = join(__dirname, '../../dist/cli.js');

let engine: PrivateEngine;
let docker: Docker;
/** What runs leave for others to find, such as the journals of what they keep, goes with the engine. */
let temporary: string;
const runs: JestRun[] = [];
const keepers: number[] = [];

beforeAll(async () => {
  engine = await openPrivateEngine();
  temporary = dirname(engine.socketPath);
  docker = new Docker({ socketPath: engine.socketPath });
});
afterAll(async () => {
  for (const pid of keepers.filter((one) => isRunning(one))) process.kill(pid, 'SIGKILL');
  for (const one of runs) await one.close();
  await engine.close();
});

/** A run on the engine, to its end: what it said of what it keeps, and who holds the lease on that. */
async function runKeeping(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
  const jest = await startJest('keep', {
    args,
    env: { DOCKER_HOST: engine.address, TMPDIR: temporary, CASTOFF_KEEP: 'failed', ...env },
  });
  // Its project stays, as people's does: what holds the lease is a program in it.
  runs.push(jest);
  const { exitCode, stderr } = await jest.ended;
  const [words = '', session = ''] = /^castoff: kept .*\(session (\w+)\):\n(?: .*\n)*/m.exec(stderr) ?? [];
  // Its order, which is its argument, names the session.
  const itsKeepers = session === '' ? [] : findProcesses(`"session":"${session}"`);
  keepers.push(...itsKeepers);
  return { id: jest.id, exitCode, stderr, words, keepers: itsKeepers };
}

const withProject = async () => ({ PROJECT: JSON.stringify(await composeClient()) });

type Kept = Awaited<ReturnType<typeof runKeeping>>;

/** What Compose makes carries its project's label, and none of castoff's. */
async function partsOfProject(project: string): Promise<readonly string[]> {
  const filters = { label: [`com.docker.compose.project=${project}`] };
  const [containers, networks, { Volumes }] = await Promise.all([
    docker.listContainers({ all: true, filters }),
    docker.listNetworks({ filters }),
    docker.listVolumes({ filters }),
  ]);
  return [
    ...containers.map(() => 'container'),
    ...networks.map(() => 'network'),
    ...(Volumes ?? []).map(() => 'volume'),
  ];
}

const things = (id: string): Promise<readonly string[]> => thingsOfRun(id, docker);

async function rolesOf(id: string): Promise<readonly (string | undefined)[]> {
  const filters = { label: [`castoff-spec-run=${id}`] };
  const found = await docker.listContainers({ all: true, filters });
  return found.map(({ Labels, State }) => `${Labels['role']} ${State}`).toSorted();
}

/** As a user would at a shell whose docker goes to that engine. */
async function type(command: string): Promise<string> {
  const { stdout } = await run('sh', ['-c', command], {
    env: { ...process.env, DOCKER_HOST: engine.address, TMPDIR: temporary },
  });
  return stdout;
}

function isRunning(pid: number): boolean {
  return findProcesses('"session":').includes(pid);
}

describe('CASTOFF_KEEP=failed', () => {
  it('keeps all that a failed test had, and nothing of the others; as it says, it is reached and removed; the rest goes with its keeper', async () => {
    const kept = await runKeeping(['keep.test'], await withProject());
    expect(kept.exitCode).toBe(1);
    expect(await rolesOf(kept.id)).toEqual(['red raw running', 'red running']);
    expect((await things(kept.id)).map((title) => title.split(' ')[0])).toEqual([
      'container',
      'container',
      'network',
      'volume',
    ]);
    expect(kept.stderr).toContain('1 leak among 4 containers, 1 network, 1 volume, 1 Compose project:');
    await removeAsTold(kept);
    // What is left of it is held until its keeper is ended.
    expect(await partsOfProject(kept.id)).toEqual(['container', 'network', 'volume']);
    process.kill(kept.keepers[0]!, 'SIGTERM');
    expect(
      await until(async () => (await partsOfProject(kept.id)).length === 0, goneTimeoutMs, pauseMs),
    ).toBe(true);
    expect(await until(() => !isRunning(kept.keepers[0]!), goneTimeoutMs, pauseMs)).toBe(true);
  });
});

describe('what is kept', () => {
  it('goes with the next sweep, after a run with workers too', async () => {
    const kept = await runKeeping(['--maxWorkers', '2'], await withProject());
    expect(await things(kept.id)).toHaveLength(4);
    expect(kept.words).toContain(`docker compose -p ${kept.id} down -v\n`);
    expect(await partsOfProject(kept.id)).toEqual(['container', 'network', 'volume']);
    await type(`${process.execPath} ${cli} sweep`);
    expect([...(await things(kept.id)), ...(await partsOfProject(kept.id))]).toEqual([]);
  });
});

/** Does all that the words say: looks at what is kept, and removes it. */
async function removeAsTold({ id, words, keepers: [keeper, ...more] }: Kept): Promise<void> {
  expect(more).toEqual([]);
  const commands = [...words.matchAll(/^ {4}(docker .*)$/gm)].map(([, command = '']) => command);
  const [looks, removals] = [
    commands.filter((command) => /^docker (logs|exec)/.test(command)),
    commands.filter((command) => / rm /.test(command)),
  ];
  expect(looks).toHaveLength(4);
  // There is no terminal, and nobody types.
  for (const look of looks) expect(await type(look.replace('exec -it', 'exec'))).toMatch(/^(here\n)?$/);
  expect(isRunning(keeper!)).toBe(true);
  for (const removal of removals) await type(removal);
  expect(await things(id)).toEqual([]);
}
