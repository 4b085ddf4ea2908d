import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ProcessSnapshot } from '../../lib/diagnosis/process-snapshot';
import { built } from '../support/built';
import { runJest } from '../support/jest-run';
import { runCastoff } from '../support/run-castoff';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'castoff-snapshots-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function snapshotsIn(path: string): Promise<readonly ProcessSnapshot[]> {
  const names = await readdir(path);
  for (const name of names) expect(name).toMatch(/^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z-\d+\.json$/);
  return Promise.all(names.map(async (name) => JSON.parse(await readFile(join(path, name), 'utf8'))));
}

/** Runs code with an open `session` in a process of its own; resolves to its exit code and its warnings. */
async function runSession(code: string, snapshots: string) {
  const program = `require(${JSON.stringify(built.library)}).openSession({ reaper: 'off' }).then(async (session) => {${code}});`;
  const child = spawn(process.execPath, ['-e', program], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, CASTOFF_SNAPSHOT: snapshots, CASTOFF_SWEEP: 'off' },
  });
  const [stderr, [exitCode]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  return { stderr, exitCode: exitCode as number | null, pid: child.pid };
}

describe('the snapshot of a process with a session', () => {
  it('is written once, when the first session has closed', async () => {
    const target = join(folder, 'closed');
    const twice = `
      const { openSession } = require(${JSON.stringify(built.library)});
      session.scope.run('sleep', ['60']);
      await session.close();
      await (await openSession({ reaper: 'off' })).close();`;
    const { pid, exitCode } = await runSession(twice, target);
    expect(exitCode).toBe(0);
    const version = expect.stringMatching(/^\d/);
    expect(await snapshotsIn(target)).toMatchObject([
      {
        schemaVersion: 1,
        reason: 'session closed',
        process: { pid, version },
        tasks: [],
        commands: [],
        handles: [],
      },
    ]);
  });

  it('is written when the process exits first, with what has not ended', async () => {
    const target = join(folder, 'exited');
    const leave = `
      session.scope.spawn('poll', () => new Promise(() => undefined));
      session.scope.run('sleep', ['60']);
      process.exit(3);`;
    expect(await runSession(leave, target)).toMatchObject({ exitCode: 3 });
    const task = { kind: 'task', what: 'task poll', scope: 'session', state: 'running', count: 1 };
    expect(await snapshotsIn(target)).toMatchObject([
      { reason: 'process exit', tasks: [task], commands: [{ what: 'command sleep 60', state: 'running' }] },
    ]);
    const { stdout, exitCode } = await runCastoff(['report', '--diff', join(folder, 'closed'), target]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^new +1 +task poll +running +session/m);
    expect(stdout).toMatch(/^2 new, 0 gone, 0 still there and unmoved, 0 moved$/m);
  });

  it('does not fail the process when it cannot be written, which is printed', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    const { stderr, exitCode } = await runSession('await session.close();', file);
    expect(exitCode).toBe(0);
    expect(stderr).toContain(`castoff: write the snapshot to ${file}: EEXIST`);
  });

  it('is refused by castoff report with exit code 2 when it is torn', async () => {
    const torn = join(folder, 'torn.json');
    await writeFile(torn, '{"schemaVersion":1,');
    expect(await runCastoff(['report', '--diff', torn, torn])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining(`read the snapshot ${torn}: it is torn or no JSON`),
    });
  });
});

describe('the snapshots of a run of Jest', () => {
  it('are written by the main process and by each worker, with their resources', async () => {
    const target = join(folder, 'run');
    const env = { CASTOFF_SNAPSHOT: target };
    const end = await runJest('ends', { args: ['--maxWorkers', '2'], env });
    expect(end).toMatchObject({ exitCode: 0, left: [] });
    const snapshots = await snapshotsIn(target);
    const main = snapshots.filter(({ process: { worker } }) => worker === undefined);
    const workers = snapshots.filter(({ process: { worker } }) => worker !== undefined);
    expect(main).toMatchObject([{ reason: 'run closed' }]);
    expect(workers).toMatchObject([{ reason: 'process exit' }, { reason: 'process exit' }]);
    const resources = workers.flatMap((worker) => worker.resources);
    expect(resources.filter(({ state }) => state !== 'gone')).toEqual([]);
    const sources = new Set(resources.map(({ source }) => source));
    expect([...sources]).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^one\.test\.js:/),
        expect.stringMatching(/^two\.test\.js:/),
      ]),
    );
    expect(new Set(snapshots.map(({ process: { session } }) => session)).size).toBe(1);
  });
});
