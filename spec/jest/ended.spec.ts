import { describe, expect, it } from '@jest/globals';
import { expectNothingSoon, twoWorkers, untilHeld, withRun } from '../support/jest-ends';
import { until } from '../support/until';
import { withoutWaiting } from '../support/without-waiting';

const interrupted = expect.stringMatching(/^castoff: SIGINT: removing the run's resources/);
const linesOf = (stderr: string): readonly string[] =>
  withoutWaiting(stderr)
    .split('\n')
    .filter((line) => line.startsWith('castoff:'));

describe('a run that is interrupted', () => {
  it.each([
    ['in workers', twoWorkers, ['one', 'two']],
    ['in its own process', ['--runInBand', 'one'], ['one']],
  ])(
    'removes everything on Ctrl-C, prints one verdict, and exits by the signal, %s',
    async (_, args, names) => {
      const containers = 2 * names.length;
      await withRun({ args, env: { HOLD: 'yes' } }, async (run) => {
        await untilHeld(run, names, containers);
        run.killGroup('SIGINT');
        const { signal, stderr } = await run.ended;
        expect(linesOf(stderr)).toEqual([interrupted, `castoff: all gone (${containers} resources)`]);
        expect(signal).toBe('SIGINT');
        expect(await run.resources()).toEqual([]);
      });
    },
  );

  it('removes what its global setup created on Ctrl-C, and prints no stack', async () => {
    const files = {
      'jest.config.js':
        "module.exports = require('castoff/jest-preset').withCastoff({ transform: {}, globalSetup: './setup.js' });",
      'setup.js': `const { createBoth, holdUntilTold } = require('./holding.js');
        module.exports = async () => {
          await createBoth();
          const interrupted = new Promise((_, reject) => process.once('SIGINT', () => reject(new Error('interrupted'))));
          await Promise.all([holdUntilTold('setup'), interrupted]);
        };`,
    };
    await withRun({ files }, async (run) => {
      await untilHeld(run, ['setup'], 2);
      run.killGroup('SIGINT');
      const { signal, stderr } = await run.ended;
      expect(withoutWaiting(stderr).split('\n')).toEqual([
        interrupted,
        'castoff: all gone (2 resources)',
        '',
      ]);
      expect(signal).toBe('SIGINT');
      expect(await run.resources()).toEqual([]);
    });
  });

  it('prints one verdict on Ctrl-C while its end removes resources', async () => {
    const files = {
      'jest.config.js':
        "module.exports = require('castoff/jest-preset').withCastoff({ transform: {}, globalSetup: './setup.js', globalTeardown: './teardown.js' });",
      'setup.js': `const { createBoth } = require('./holding.js');
        module.exports = async () => { for (let pair = 0; pair < 2; pair += 1) await createBoth(); };`,
      // The signal comes before anything is removed, and the teardown goes on after it.
      'teardown.js': `module.exports = () => new Promise((resolve) => {
        const hold = setInterval(() => undefined, 60_000);
        process.once('SIGINT', () => { clearInterval(hold); setImmediate(resolve); });
        console.log('teardown begins');
      });`,
      'empty.test.js': "test('needs nothing', () => undefined);",
    };
    await withRun({ files, args: ['empty'] }, async (run) => {
      expect(await until(() => run.output().includes('teardown begins'), 60_000)).toBe(true);
      run.killGroup('SIGINT');
      const { signal, stderr } = await run.ended;
      expect(linesOf(stderr)).toEqual([interrupted, 'castoff: all gone (4 resources)']);
      expect(signal).toBe('SIGINT');
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
