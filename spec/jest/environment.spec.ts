import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { runJest } from '../support/jest-run';

const exec = promisify(execFile);

describe('castoff', () => {
  it('instruments the node environment of Jest 29, and hides its config from it', async () => {
    const { stderr, exitCode } = await runJest('environments', { jest: '29', args: ['node.test'] });
    expect(stderr).toContain('Tests:       1 passed, 1 total');
    expect(exitCode).toBe(0);
  });

  it('instruments the node environment of Jest 30, and one that a docblock names', async () => {
    const { stderr, exitCode } = await runJest('environments', { args: ['node.test', 'docblock'] });
    expect(stderr).toContain('Tests:       2 passed, 2 total');
    expect(stderr).toContain('at the end: here');
    expect(exitCode).toBe(0);
  });

  it('instruments an environment that the config names beside the preset', async () => {
    const config = "module.exports = { preset: 'castoff', transform: {}, testEnvironment: 'jsdom' };";
    const test = `const { defer } = require('castoff/jest');
      test('is in a window', () => defer('look', () => process.stdout.write('at the end: ' + window.location.protocol)));
      test('leaves timers that end with the window', () => void setInterval(() => {}, 1_000));`;
    const { stdout, exitCode } = await runJest('environments', {
      env: { CASTOFF_HANDLES: 'fail' },
      args: ['window'],
      files: { 'jest.config.js': config, 'window.test.js': test },
    });
    expect(stdout).toContain('at the end: http:');
    expect(exitCode).toBe(0);
  });

  it('keeps the events, the global object and the containers of a custom environment until its teardown', async () => {
    const config = `const { withCastoff } = require('castoff/jest-preset');
      module.exports = withCastoff({ transform: {}, testEnvironment: './custom-environment.js', testTimeout: 30_000 });`;
    const { stderr, exitCode, left } = await runJest('environments', {
      args: ['custom'],
      files: { 'jest.config.js': config },
    });
    expect(stderr).toContain('Tests:       2 passed, 2 total');
    expect(stderr).not.toContain('leak');
    expect({ exitCode, left }).toEqual({ exitCode: 0, left: [] });
  });
});

describe('the stack of a failing test', () => {
  it('has the line of the test, and no frame of castoff', async () => {
    const failing = `test('asks', async () => { await fetch('http://127.0.0.1:1'); });
      describe('orders', () => {
        beforeAll(() => new Promise(() => {}), 10);
        test('one', () => {});
        test('two', () => {});
      });`;
    const { stderr, exitCode } = await runJest('plain', {
      args: ['failing'],
      files: { 'failing.test.js': failing },
    });
    expect(stderr).toMatch(/at Object\.\S+ \(failing\.test\.js:1:/);
    expect(stderr).not.toMatch(/^ +at .*castoff.dist/m);
    expect(exitCode).toBe(1);
  });
});

describe('a test file that cannot be loaded', () => {
  it('shows the failed cleanup of its scope beside its own error', async () => {
    const broken = `const { defer } = require('castoff/jest');
      defer('end the client', () => { throw new Error('the client does not end'); });
      describe('orders', () => { throw new Error('no orders'); });`;
    const files = { 'broken.test.js': broken };
    const { stderr, exitCode } = await runJest('plain', { args: ['broken'], files });
    expect(stderr).toContain('no orders');
    expect(stderr).toMatch(/^castoff: after broken\.test\.js: end the client .*the client does not end$/m);
    expect(exitCode).toBe(1);
  });
});

describe('castoff/jest', () => {
  const castoff = join(__dirname, '../../dist/jest.js');

  it('explains what to do outside of Jest', async () => {
    const use = `try { require(${JSON.stringify(castoff)}).scope.start({}); } catch (error) { process.stdout.write(error.code + ' ' + error.message); }`;
    const { stdout } = await exec(process.execPath, ['-e', use]);
    expect(stdout).toContain(
      "CONFIG_INVALID castoff/jest: used outside of a Jest run with castoff; add preset: 'castoff'",
    );
  });

  it("explains what to do if castoff's setup was replaced", async () => {
    const config =
      "module.exports = { preset: 'castoff', transform: {}, globalSetup: './own-setup.js', globalTeardown: './own-setup.js' };";
    const { stderr, exitCode } = await runJest('environments', {
      args: ['node.test'],
      files: { 'jest.config.js': config, 'own-setup.js': 'module.exports = () => undefined;' },
    });
    expect(stderr).toContain("castoff/jest: castoff's setup did not run");
    expect(stderr).toContain('wrap the config in withCastoff');
    expect(exitCode).toBe(1);
  });
});
