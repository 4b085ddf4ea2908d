import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import Docker from 'dockerode';
import { findPrograms } from '../support/close-engine';
import { composeClient } from '../support/compose-client';
import { partsOfProject } from '../support/compose-stack';
import { endReapersOf } from '../support/end-reapers';
import { startJest, type JestRun } from '../support/jest-run';
import { resourcesOfRun } from '../support/jest-run-resources';
import { openPrivateEngine, type PrivateEngine } from '../support/private-engine';
import { until } from '../support/until';

const run = promisify(execFile);
const removalTimeoutMs = 20_000;
const pauseMs = 200;
const cli = join(__dirname, '../../dist/cli.js');

let engine: PrivateEngine;
let docker: Docker;
/** Temporary folder of the runs, with the journals of kept resources; removed with the engine. */
let temporary: string;
const runs: JestRun[] = [];

beforeAll(async () => {
  engine = await openPrivateEngine();
  temporary = dirname(engine.socketPath);
  docker = new Docker({ socketPath: engine.socketPath });
});
afterAll(async () => {
  for (const one of runs) {
    endReapersOf(one);
    await one.close();
  }
  await engine.close();
});

/** Runs Jest to its end. Returns the text about kept resources, and the reapers that keep them. */
async function runKeeping(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
  const jest = await startJest('keep', {
    args,
    env: { DOCKER_HOST: engine.address, TMPDIR: temporary, CASTOFF_KEEP: 'failed', ...env },
  });
  // Its project stays, because the reaper is a program in it.
  runs.push(jest);
  const { exitCode, stderr } = await jest.ended;
  const [text = ''] = /^castoff: kept .*\n(?: .*\n)*/m.exec(stderr) ?? [];
  return { id: jest.id, exitCode, stderr, text, reapers: reapersOf(jest) };
}

const reapersOf = ({ folder }: JestRun): readonly number[] =>
  findPrograms(join(folder, 'node_modules/castoff/dist/reaper-server.js'));

const withProject = async () => ({ PROJECT: JSON.stringify(await composeClient()) });

type Kept = Awaited<ReturnType<typeof runKeeping>>;

/** The kinds of the parts of a Compose project, which carry the project's label and none of castoff's. */
const partsOf = async (project: string) =>
  (await partsOfProject(project, docker)).map((part) => part.split(' ')[0]);

const resources = (id: string): Promise<readonly string[]> => resourcesOfRun(id, docker);

async function rolesOf(id: string): Promise<readonly (string | undefined)[]> {
  const filters = { label: [`castoff-spec-run=${id}`] };
  const found = await docker.listContainers({ all: true, filters });
  return found.map(({ Labels, State }) => `${Labels['role']} ${State}`).toSorted();
}

/** Runs a command in a shell whose docker uses the engine. */
async function type(command: string): Promise<string> {
  const { stdout } = await run('sh', ['-c', command], {
    env: { ...process.env, DOCKER_HOST: engine.address, TMPDIR: temporary },
  });
  return stdout;
}

function isRunning(pid: number): boolean {
  return runs.flatMap((one) => reapersOf(one)).includes(pid);
}

describe('CASTOFF_KEEP=failed', () => {
  it('keeps the resources of a failed test only; the printed commands inspect and remove them; the end of the reaper removes the rest', async () => {
    const kept = await runKeeping(['keep.test'], await withProject());
    expect(kept.exitCode).toBe(1);
    expect(await rolesOf(kept.id)).toEqual(['red raw running', 'red running']);
    expect((await resources(kept.id)).map((title) => title.split(' ')[0])).toEqual([
      'container',
      'container',
      'network',
      'volume',
    ]);
    expect(kept.stderr).toContain('1 leak among 4 containers, 1 network, 1 volume, 1 Compose project:');
    await removeAsPrinted(kept);
    // The reaper keeps the Compose project until it ends.
    expect(await partsOf(kept.id)).toEqual(['container', 'network', 'volume']);
    process.kill(kept.reapers[0]!, 'SIGTERM');
    expect(await until(async () => (await partsOf(kept.id)).length === 0, removalTimeoutMs, pauseMs)).toBe(
      true,
    );
    expect(await until(() => !isRunning(kept.reapers[0]!), removalTimeoutMs, pauseMs)).toBe(true);
  });
});

describe('the kept resources', () => {
  it('are removed by the next sweep, after a run with workers too', async () => {
    const kept = await runKeeping(['--maxWorkers', '2'], await withProject());
    expect(await resources(kept.id)).toHaveLength(4);
    expect(kept.text).toContain(`docker compose -p ${kept.id} down -v\n`);
    expect(await partsOf(kept.id)).toEqual(['container', 'network', 'volume']);
    await type(`${process.execPath} ${cli} sweep`);
    expect([...(await resources(kept.id)), ...(await partsOf(kept.id))]).toEqual([]);
  });
});

/** Runs all printed commands: inspects the kept resources, and removes them. */
async function removeAsPrinted({ id, text, reapers: [reaper, ...more] }: Kept): Promise<void> {
  expect(more).toEqual([]);
  const commands = [...text.matchAll(/^ {4}(docker .*)$/gm)].map(([, command = '']) => command);
  const [inspections, removals] = [
    commands.filter((command) => /^docker (logs|exec)/.test(command)),
    commands.filter((command) => / rm /.test(command)),
  ];
  expect(inspections).toHaveLength(4);
  // Without -it, because there is no terminal.
  for (const inspection of inspections)
    expect(await type(inspection.replace('exec -it', 'exec'))).toMatch(/^(here\n)?$/);
  expect(isRunning(reaper!)).toBe(true);
  for (const removal of removals) await type(removal);
  expect(await resources(id)).toEqual([]);
}
