import { describe, expect, it } from '@jest/globals';
import { expectNothingSoon, twoWorkers, untilHeld, withRun } from '../support/jest-ends';
import { until } from '../support/until';

describe('a run that is interrupted', () => {
  it('removes everything on Ctrl-C, and exits by the signal', async () => {
    await withRun({ args: twoWorkers, env: { HOLD: 'yes' } }, async (run) => {
      await untilHeld(run, ['one', 'two'], 4);
      run.killGroup('SIGINT');
      await expect(run.ended).resolves.toMatchObject({ signal: 'SIGINT' });
      expect(await run.resources()).toEqual([]);
    });
  });

  it('leaves everything to the reaper on a second Ctrl-C', async () => {
    await withRun({ args: twoWorkers, env: { HOLD: 'yes' } }, async (run) => {
      await untilHeld(run, ['one', 'two'], 4);
      run.killGroup('SIGINT');
      run.kill('SIGINT');
      await expect(run.ended).resolves.toMatchObject({ signal: 'SIGINT' });
      await expectNothingSoon(run);
    });
  });

  it('leaves everything to the reaper on SIGKILL', async () => {
    await withRun({ args: twoWorkers, env: { HOLD: 'yes' } }, async (run) => {
      await untilHeld(run, ['one', 'two'], 4);
      run.kill('SIGKILL');
      await expect(run.ended).resolves.toMatchObject({ signal: 'SIGKILL' });
      await expectNothingSoon(run);
    });
  });

  it('reports process.exit(0) in a test of its own process, and leaves everything to the reaper', async () => {
    await withRun({ args: ['--runInBand', 'one'], env: { EXIT: 'one' } }, async (run) => {
      const { stderr } = await run.ended;
      expect(stderr).toMatch(
        /^castoff: this process exits before its run has ended; the run's resources are left to the reaper$/m,
      );
      await expectNothingSoon(run);
    });
  });

  it('leaves nothing after process.exit(0) in a test of a worker', async () => {
    await withRun({ args: twoWorkers, env: { EXIT: 'one' } }, async (run) => {
      expect(await until(() => run.output().includes('process.exit called with "0"'), 30_000)).toBe(true);
      await expectNothingSoon(run);
    });
  });
});
