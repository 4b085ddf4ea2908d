import { describe, expect, it } from '@jest/globals';
import { expectNothingSoon, twoWorkers, untilHeld, withRun } from '../support/jest-ends';
import { until } from '../support/until';

const interrupted = expect.stringMatching(/^castoff: SIGINT: removing what the run has/);
// On a busy machine a line names what the end waits for.
const withoutProgress = (stderr: string): readonly string[] =>
  stderr.split('\n').filter((line) => !line.startsWith('castoff: waiting for'));
const linesOf = (stderr: string): readonly string[] =>
  withoutProgress(stderr).filter((line) => line.startsWith('castoff:'));

describe('a run that is ended', () => {
  it.each([
    ['in workers', twoWorkers, ['one', 'two']],
    ['in its own process', ['--runInBand', 'one'], ['one']],
  ])(
    'by Ctrl-C, %s: removes everything, gives one verdict, and dies by the signal',
    async (_, args, names) => {
      const containers = 2 * names.length;
      await withRun({ args, env: { HOLD: 'yes' } }, async (run) => {
        await untilHeld(run, names, containers);
        run.killGroup('SIGINT');
        const { signal, stderr } = await run.ended;
        expect(linesOf(stderr)).toEqual([interrupted, `castoff: all gone (${containers} things)`]);
        expect(signal).toBe('SIGINT');
        expect(await run.things()).toEqual([]);
      });
    },
  );

  it('by Ctrl-C in its global setup: removes what that has created, and shows no stack', async () => {
    const files = {
      'jest.config.js':
        "module.exports = require('castoff/jest-preset').withCastoff({ transform: {}, globalSetup: './setup.js' });",
      'setup.js': `const { startBoth, holdUntilTold } = require('./holding.js');
        module.exports = async () => {
          const raw = await startBoth();
          const ended = raw.wait();
          await Promise.all([holdUntilTold('setup'), ended.then(() => { throw new Error('its container ended'); })]);
        };`,
    };
    await withRun({ files }, async (run) => {
      await untilHeld(run, ['setup'], 2);
      run.killGroup('SIGINT');
      const { signal, stderr } = await run.ended;
      expect(withoutProgress(stderr)).toEqual([interrupted, 'castoff: all gone (2 things)', '']);
      expect(signal).toBe('SIGINT');
      expect(await run.things()).toEqual([]);
    });
  });

  it('by Ctrl-C while its end removes what there is: gives one verdict', async () => {
    const files = {
      'jest.config.js':
        "module.exports = require('castoff/jest-preset').withCastoff({ transform: {}, globalSetup: './setup.js', globalTeardown: './teardown.js' });",
      'setup.js': `const { startBoth } = require('./holding.js');
        module.exports = async () => { for (let pair = 0; pair < 5; pair += 1) await startBoth(); };`,
      'teardown.js': "module.exports = () => console.log('teardown begins');",
      'empty.test.js': "test('needs nothing', () => undefined);",
    };
    await withRun({ files, args: ['empty'] }, async (run) => {
      expect(await until(() => run.output().includes('teardown begins'), 60_000)).toBe(true);
      run.killGroup('SIGINT');
      const { signal, stderr } = await run.ended;
      expect(linesOf(stderr)).toEqual([interrupted, 'castoff: all gone (10 things)']);
      expect(signal).toBe('SIGINT');
      expect(await run.things()).toEqual([]);
    });
  });

  it('by a second Ctrl-C at once: leaves it to the reaper', async () => {
    await withRun({ args: twoWorkers, env: { HOLD: 'yes' } }, async (run) => {
      await untilHeld(run, ['one', 'two'], 4);
      run.killGroup('SIGINT');
      run.kill('SIGINT');
      await expect(run.ended).resolves.toMatchObject({ signal: 'SIGINT' });
      await expectNothingSoon(run);
    });
  });

  it('by SIGKILL: leaves it to the reaper', async () => {
    await withRun({ args: twoWorkers, env: { HOLD: 'yes' } }, async (run) => {
      await untilHeld(run, ['one', 'two'], 4);
      run.kill('SIGKILL');
      await expect(run.ended).resolves.toMatchObject({ signal: 'SIGKILL' });
      await expectNothingSoon(run);
    });
  });

  it('by process.exit(0) in a test of its own process: says so, and leaves it to the reaper', async () => {
    await withRun({ args: ['--runInBand', 'one'], env: { EXIT: 'one' } }, async (run) => {
      const { stderr } = await run.ended;
      expect(stderr).toMatch(
        /^castoff: this process ends before the run has; what it has is left to the reaper$/m,
      );
      await expectNothingSoon(run);
    });
  });

  it('by process.exit(0) in a test of a worker: leaves nothing of it', async () => {
    await withRun({ args: twoWorkers, env: { EXIT: 'one' } }, async (run) => {
      expect(await until(() => run.output().includes('process.exit called with "0"'), 30_000)).toBe(true);
      await expectNothingSoon(run);
    });
  });
});
