import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { runJest } from '../support/jest-run';

const wrapped = (config: string, options = '{}'): string =>
  `module.exports = require('castoff/jest-preset').withCastoff({ transform: {}, ${config} }, ${options});`;
const empty = ['empty.test.js'];
const failed = { exitCode: 1, left: [] };

describe('an invalid config', () => {
  it.each([
    [
      'an unknown option',
      wrapped('', '{ leak: 1 }'),
      'withCastoff: unknown option leak; valid options are leaks,',
    ],
    [
      'a global setup that does not exist',
      wrapped("globalSetup: './down'"),
      'globalSetup: cannot find ./down from',
    ],
    [
      'a global setup that exports no function',
      wrapped("globalSetup: './up.json'"),
      'up.json exports object; export a function',
    ],
    [
      'an environment that does not exist',
      wrapped("testEnvironment: 'moon'"),
      'cannot find jest-environment-moon or moon from',
    ],
  ])('fails the run: %s', async (_, config, message) => {
    const files = { 'jest.config.js': config, 'up.json': '{}' };
    const end = await runJest('plain', { args: empty, files });
    expect(end.stderr).toContain(message);
    expect(end).toMatchObject(failed);
  });

  it.each([
    ['globalSetup', "castoff's setup did not run"],
    ['globalTeardown', "castoff's teardown would not run"],
  ])('fails the run: a preset whose %s the config replaces', async (option, message) => {
    const config = `module.exports = { preset: 'castoff', transform: {}, ${option}: './own.js' };`;
    const files = { 'jest.config.js': config, 'own.js': 'module.exports = () => undefined;' };
    const end = await runJest('plain', { args: empty, files });
    expect(end.stderr).toContain(message);
    expect(end.stderr).toContain('wrap the config in withCastoff');
    expect(end).toMatchObject(failed);
  });

  it('fails the run: a variable with an invalid value', async () => {
    const end = await runJest('plain', { args: empty, env: { CASTOFF_LEAKS: 'never' } });
    expect(end.stderr).toContain('CASTOFF_LEAKS: got "never"; give fail, warn or off');
    expect(end).toMatchObject(failed);
  });
});

describe('projects with their own configs', () => {
  const project = (name: string, options: string): Record<string, string> => ({
    [`${name}/jest.config.js`]: wrapped(`displayName: '${name}'`, options),
    [`${name}/${name}.test.js`]: `test('${name}', () => undefined);`,
  });
  const root = (config: string): Record<string, string> => ({ 'jest.config.js': config });
  const projects = "projects: ['<rootDir>/a', '<rootDir>/b']";

  it('fail the run if their options differ', async () => {
    const files = {
      ...root(`module.exports = { ${projects} };`),
      ...project('a', '{}'),
      ...project('b', "{ leaks: 'off' }"),
    };
    const end = await runJest('plain', { files });
    expect(end.stderr).toMatch(
      /withCastoff: two projects of this run have different options, .*"leaks":"off".* wrap the root config/,
    );
    expect(end.stderr).toMatch(/Tests: +1 passed, 1 total/);
    expect(end).toMatchObject(failed);
  });

  it('may have different options if the root config is wrapped', async () => {
    const files = {
      ...root(wrapped(projects, "{ leaks: 'off' }")),
      ...project('a', '{}'),
      ...project('b', '{}'),
    };
    const end = await runJest('plain', { files });
    expect(end.stderr).toMatch(/Tests: +2 passed, 2 total/);
    expect(end).toMatchObject({ exitCode: 0, left: [] });
  });
});

describe('a run without an engine', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'castoff-no-engine-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('passes if no test needs an engine, and fails with ENGINE_UNREACHABLE otherwise', async () => {
    const env = { DOCKER_HOST: `unix://${join(folder, 'missing.sock')}` };
    const [passing, failing] = await Promise.all([
      runJest('plain', { args: empty, env }),
      runJest('plain', { args: ['one-container.test.js'], env }),
    ]);
    expect(passing).toMatchObject({ exitCode: 0, left: [] });
    expect(passing.stderr).not.toMatch(/castoff/i);
    expect(failing.stdout).toContain('codes: START_FAILED ENGINE_UNREACHABLE');
    expect(failing.stderr).toContain(
      `find a Docker engine: ${env.DOCKER_HOST} (DOCKER_HOST): no such socket`,
    );
    expect(failing).toMatchObject(failed);
  });
});
