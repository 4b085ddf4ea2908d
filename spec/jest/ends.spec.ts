import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { expectNothingSoon, twoWorkers, untilHeld, untilLeft, withRun } from '../support/jest-ends';
import { runJudged } from '../support/judged-jest';
import type { JestRun } from '../support/jest-run';
import { isRunning } from '../support/process-state';
import { isLong } from '../support/spec-size';
import { until } from '../support/until';

/** Returns the pid of the command that a test holds. */
const commandOf = ({ folder }: JestRun, name: string): number =>
  Number(readFileSync(join(folder, `${name}.command`), 'utf8'));

describe('a run that fails', () => {
  it('removes the containers of a failed test, and reports their line', async () => {
    const end = await runJudged('ends', { args: ['--runInBand', 'one'], env: { FAIL: 'one' } });
    expect(end.stderr).toContain('one has had enough');
    expect(end.verdict.leaks).toMatchObject([{ test: 'one holds containers', source: 'one.test.js:4' }]);
    expect(end).toMatchObject({ exitCode: 1, left: [] });
  });

  const versions = ['30', '29'] as const;
  it.each(isLong ? versions : versions.slice(0, 1))(
    'leaves nothing of either worker with --bail in Jest %s',
    async (jest) => {
      await withRun({ jest, args: [...twoWorkers, '--bail'], env: { FAIL: 'one' } }, async (run) => {
        await expect(run.ended).resolves.toMatchObject({ exitCode: 1 });
        await expectNothingSoon(run);
      });
    },
  );
});

describe('a worker that is killed', () => {
  it('loses its containers and commands, while another worker keeps its own', async () => {
    await withRun({ args: twoWorkers, env: { HOLD: 'yes' } }, async (run) => {
      await untilHeld(run, ['one', 'two'], 4);
      const victim = Number(readFileSync(join(run.folder, 'one.ready'), 'utf8'));
      const [lost, kept] = [commandOf(run, 'one'), commandOf(run, 'two')];
      process.kill(victim, 'SIGKILL');
      expect(await untilLeft(run, 2)).toBe(true);
      expect(await until(() => !isRunning(lost))).toBe(true);
      expect(isRunning(kept)).toBe(true);
      for (const name of ['one', 'two']) writeFileSync(join(run.folder, `${name}.go`), '');
      const { exitCode, stderr } = await run.ended;
      expect(stderr).toContain('PASS ./two.test.js');
      expect(exitCode).toBe(1);
      expect(await run.resources()).toEqual([]);
    });
  });
});
