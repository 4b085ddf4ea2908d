import { describe, expect, it } from '@jest/globals';
import { startPrograms } from '../support/defects';
import { until } from '../support/until';

const inBand = { args: ['--runInBand', 'open/interval.test.js'] };

describe('a process that does not exit after the run', () => {
  it('prints what holds it', async () => {
    const env = { CASTOFF_EXIT_DELAY_MS: '200', CASTOFF_HANDLES: 'report' };
    await using jest = await startPrograms({ ...inBand, env });
    const row =
      /has not exited 200 ms after the run; [^]*interval of 50 ms +open\/interval\.test\.js:2 +polls/;
    expect(await until(() => row.test(jest.run.output()))).toBe(true);
  });

  it("is ended with the run's exit code if the option exit is force", async () => {
    const env = { CASTOFF_EXIT: 'force', CASTOFF_EXIT_DELAY_MS: '200' };
    await using passed = await startPrograms({ ...inBand, env: { ...env, CASTOFF_HANDLES: 'report' } });
    expect(await passed.run.ended).toMatchObject({ exitCode: 0 });
    expect(passed.run.output()).toMatch(/castoff ends it/);
    await using failed = await startPrograms({ ...inBand, env: { ...env, CASTOFF_HANDLES: 'fail' } });
    expect(await failed.run.ended).toMatchObject({ exitCode: 1 });
  });

  it('is not mentioned if the process exits in time', async () => {
    await using jest = await startPrograms({
      args: ['--runInBand', 'clean/interval-cleared.test.js'],
      env: { CASTOFF_EXIT: 'force' },
    });
    expect(await jest.run.ended).toMatchObject({ exitCode: 0 });
    expect(jest.run.output()).not.toMatch(/castoff/);
  });
});
