import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { startJest, type JestRun, type JestRunOptions } from '../support/jest-run';
import { runJudged } from '../support/judged-jest';
import { until } from '../support/until';

/** Grace, a busy machine, and the engine's own time for four containers. */
const soonMs = 15_000;
const workers = ['--maxWorkers', '2'];

describe('a run that comes to its end', () => {
  it('green: removes everything, and says so in a line', async () => {
    const end = await runJudged('ends', { args: workers });
    expect(end.said).toEqual(['castoff: 4 containers, all gone']);
    expect(end).toMatchObject({ exitCode: 0, left: [], verdict: { isFailure: false } });
  });

  it('red: removes what the test that failed has left, and names its line', async () => {
    const end = await runJudged('ends', { args: workers, env: { FAIL: 'one' } });
    expect(end.stderr).toContain('one has had enough');
    expect(end.verdict.leaks).toMatchObject([{ test: 'one holds containers', source: 'one.test.js:4' }]);
    expect(end).toMatchObject({ exitCode: 1, left: [] });
  });

  it.each(['30', '29'] as const)('by --bail with Jest %s: leaves nothing of either worker', async (jest) => {
    await withRun({ jest, args: [...workers, '--bail'], env: { FAIL: 'one' } }, async (run) => {
      await expect(run.ended).resolves.toMatchObject({ exitCode: 1 });
      await expectNothingSoon(run);
    });
  });
});

describe('a run that is ended', () => {
  it('by Ctrl-C: removes everything, and dies by the signal', async () => {
    await withRun({ args: workers, env: { HOLD: 'yes' } }, async (run) => {
      await untilHeld(run, ['one', 'two'], 4);
      run.killGroup('SIGINT');
      await expect(run.ended).resolves.toMatchObject({ signal: 'SIGINT' });
      expect(await run.things()).toEqual([]);
    });
  });

  it('by a second Ctrl-C at once: leaves it to the reaper', async () => {
    await withRun({ args: workers, env: { HOLD: 'yes' } }, async (run) => {
      await untilHeld(run, ['one', 'two'], 4);
      run.killGroup('SIGINT');
      run.kill('SIGINT');
      await expect(run.ended).resolves.toMatchObject({ signal: 'SIGINT' });
      await expectNothingSoon(run);
    });
  });

  it('by SIGKILL: leaves it to the reaper', async () => {
    await withRun({ args: workers, env: { HOLD: 'yes' } }, async (run) => {
      await untilHeld(run, ['one', 'two'], 4);
      run.kill('SIGKILL');
      await expect(run.ended).resolves.toMatchObject({ signal: 'SIGKILL' });
      await expectNothingSoon(run);
    });
  });

  it('by process.exit(0) in a test of its own process: says so, and leaves it to the reaper', async () => {
    await withRun({ args: ['--runInBand', 'one'], env: { EXIT: 'one' } }, async (run) => {
      const { stderr } = await run.ended;
      expect(stderr).toMatch(/^castoff: this process ends before the run has; what it has is left to the reaper$/m);
      await expectNothingSoon(run);
    });
  });

  it('by process.exit(0) in a test of a worker: leaves nothing of it', async () => {
    await withRun({ args: workers, env: { EXIT: 'one' } }, async (run) => {
      expect(await until(() => run.output().includes('process.exit called with "0"'), 30_000)).toBe(true);
      await expectNothingSoon(run);
    });
  });
});

describe('a worker that is killed', () => {
  it('has its containers removed while the other goes on with its own', async () => {
    await withRun({ args: workers, env: { HOLD: 'yes' } }, async (run) => {
      await untilHeld(run, ['one', 'two'], 4);
      const victim = Number(readFileSync(join(run.folder, 'one.ready'), 'utf8'));
      process.kill(victim, 'SIGKILL');
      expect(await until(async () => (await run.things()).length === 2, soonMs)).toBe(true);
      for (const name of ['one', 'two']) writeFileSync(join(run.folder, `${name}.go`), '');
      const { exitCode, stderr } = await run.ended;
      expect(stderr).toContain('PASS ./two.test.js');
      expect(exitCode).toBe(1);
      expect(await run.things()).toEqual([]);
    });
  });
});

async function withRun(options: JestRunOptions, look: (run: JestRun) => Promise<void>): Promise<void> {
  const run = await startJest('ends', options);
  try {
    await look(run);
  } finally {
    await run.close();
  }
}

/** A run that holds nothing would leave nothing either. */
async function untilHeld(run: JestRun, names: readonly string[], containers: number): Promise<void> {
  const areHeld = (): boolean => names.every((name) => existsSync(join(run.folder, `${name}.ready`)));
  expect(await until(areHeld, 30_000)).toBe(true);
  expect(await run.things()).toHaveLength(containers);
}

async function expectNothingSoon(run: JestRun): Promise<void> {
  await until(async () => (await run.things()).length === 0, soonMs);
  expect(await run.things()).toEqual([]);
}
