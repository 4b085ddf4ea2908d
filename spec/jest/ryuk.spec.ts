import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { startJest } from '../support/jest-run';

const exec = promisify(execFile);

/** What a process and its children read; a container of raw code shows that no Ryuk is needed, whose image is not there. */
const readings = `
  const { execFileSync, execSync } = require('node:child_process');
  const { GenericContainer } = require('testcontainers');

  exports.readings = () => {
    const print = [process.execPath, ['-p', 'process.env.TESTCONTAINERS_RYUK_DISABLED || "none"']];
    const read = (options) => execFileSync(...print, { encoding: 'utf8', ...options }).trim();
    const shell = execSync('echo $TESTCONTAINERS_RYUK_DISABLED', { encoding: 'utf8' }).trim() || 'none';
    return [process.env.TESTCONTAINERS_RYUK_DISABLED, read(), read({ env: { ...process.env } }), shell].join(' ');
  };

  exports.sleeper = () =>
    new GenericContainer('castoff-spec/busybox:1')
      .withCommand(['sh', '-c', 'while :; do sleep 1; done'])
      .withLabels({ 'castoff-spec-run': process.env.CASTOFF_SPEC_RUN });

  exports.startOne = () => exports.sleeper().start();
`;

const test = `
  const { readings, startOne } = require('./readings.js');

  test('is covered, and what it starts is not', async () => {
    process.env = { ...process.env };
    expect(readings()).toBe('true none none none');
    const container = await startOne();
    await container.stop();
  });
`;

const plain = `
  const { openSession } = require('castoff');
  const { readings, sleeper, startOne } = require('./readings.js');

  (async () => {
    const session = await openSession();
    const starting = session.scope.start(sleeper());
    const during = readings();
    await starting;
    await startOne();
    console.log([during, readings()].map((line) => line.trim()).join(', '));
    await session.close();
  })();
`;

const files = {
  'jest.config.js': `const { withCastoff } = require('castoff/jest-preset');
    module.exports = withCastoff({ transform: {}, globalSetup: './setup.js', testTimeout: 60_000 });`,
  'setup.js': `module.exports = () => console.log('in setup:', require('./readings.js').readings());`,
  'readings.js': readings,
  'covered.test.js': test,
  'again.test.js': test,
  'plain.js': plain,
};

const unset = { TESTCONTAINERS_RYUK_DISABLED: '' };

describe('testcontainers’ own reaper', () => {
  it.each([
    ['in band', ['--runInBand']],
    ['in workers', ['--maxWorkers', '2']],
  ])('is off in the processes of a run, %s, and in none that they start', async (_, args) => {
    const run = await startJest('both-ways', { files, env: unset, args: [...args, 'covered', 'again'] });
    try {
      const { exitCode, stdout, stderr } = await run.ended;
      expect(stderr).toMatch(/Tests: +2 passed, 2 total/);
      expect(stdout).toContain('in setup: true none none none');
      expect(exitCode).toBe(0);
    } finally {
      await run.close();
    }
  });

  it('is off where a session of a plain program covers it, and in no process that this starts', async () => {
    const run = await startJest('both-ways', { files, args: ['--listTests'] });
    try {
      await run.ended;
      const { stdout } = await exec(process.execPath, ['plain.js'], {
        cwd: run.folder,
        env: { ...process.env, ...unset, CASTOFF_REAPER: 'process', CASTOFF_SPEC_RUN: run.id },
      });
      expect(stdout.trim()).toBe('none none none, none none none');
      expect(await run.things()).toEqual([]);
    } finally {
      await run.close();
    }
  });
});
