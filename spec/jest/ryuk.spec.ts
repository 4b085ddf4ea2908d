import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { copyProject } from '../support/jest-project';
import { startJest } from '../support/jest-run';
import { removeResourcesOfRun, resourcesOfRun } from '../support/jest-run-resources';
import { uniqueName } from '../support/things';

const exec = promisify(execFile);

/**
 * Reads the variable in a process and its children. A container without a scope shows that Ryuk, which has no
 * image here, is off.
 */
const readings = `
  const { execFileSync, execSync } = require('node:child_process');

  exports.readings = () => {
    const print = [process.execPath, ['-p', 'process.env.TESTCONTAINERS_RYUK_DISABLED || "none"']];
    const read = (options) => execFileSync(...print, { encoding: 'utf8', ...options }).trim();
    const shell = execSync('echo $TESTCONTAINERS_RYUK_DISABLED', { encoding: 'utf8' }).trim() || 'none';
    return [process.env.TESTCONTAINERS_RYUK_DISABLED, read(), read({ env: { ...process.env } }), shell].join(' ');
  };

  exports.sleeper = () => {
    // Loaded only when needed: it takes half of the time of a process of this run.
    const { GenericContainer } = require('testcontainers');
    return new GenericContainer('castoff-spec/busybox:1')
      .withNetworkMode('none')
      .withCommand(['sh', '-c', 'while :; do sleep 1; done'])
      .withLabels({ 'castoff-spec-run': process.env.CASTOFF_SPEC_RUN });
  };

  exports.startOne = () => exports.sleeper().start();
`;

const test = `
  const { readings, startOne } = require('./readings.js');

  test('is covered, and its child processes are not', async () => {
    process.env = { ...process.env };
    const container = await startOne();
    expect(readings()).toBe('true none none none');
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
  // With a second file, Jest runs them in workers.
  'again.test.js':
    "test('is covered', () => expect(require('./readings.js').readings()).toBe('true none none none'));",
  'plain.js': plain,
};

const unset = { TESTCONTAINERS_RYUK_DISABLED: '' };

describe('testcontainers’ own reaper', () => {
  it.each([
    ['in band', 1, ['--runInBand', 'covered']],
    ['in workers', 2, ['--maxWorkers', '2', 'covered', 'again']],
  ])('is off in the processes of a run, %s, and not in their child processes', async (_, tests, args) => {
    const run = await startJest('both-ways', { files, env: unset, args });
    try {
      const { exitCode, stdout, stderr } = await run.ended;
      expect(stderr).toContain(`${tests} passed, ${tests} total`);
      expect(stdout).toContain('in setup: true none none none');
      expect(exitCode).toBe(0);
    } finally {
      await run.close();
    }
  });

  it('is off in a program with a session, and not in its child processes', async () => {
    const project = await copyProject('both-ways', { jest: '30', files, modules: {} });
    const id = uniqueName();
    try {
      const { stdout } = await exec(process.execPath, ['plain.js'], {
        cwd: project.folder,
        env: { ...process.env, ...unset, CASTOFF_REAPER: 'process', CASTOFF_SPEC_RUN: id },
      });
      expect(stdout.trim()).toBe('none none none, none none none');
      expect(await resourcesOfRun(id)).toEqual([]);
    } finally {
      await removeResourcesOfRun(id);
      await project.remove();
    }
  });
});
