import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { runJest } from '../support/jest-run';

const wrapped = (config: string, options = '{}'): string =>
  `module.exports = require('castoff/jest-preset').withCastoff({ transform: {}, ${config} }, ${options});`;
const empty = ['empty.test.js'];
const red = { exitCode: 1, left: [] };

describe('a config that cannot be meant', () => {
  it.each([
    [
      'an option that there is not',
      wrapped('', '{ leak: 1 }'),
      'withCastoff: unknown option leak; valid options are leaks,',
    ],
    [
      'a global setup that is nowhere',
      wrapped("globalSetup: './down'"),
      'globalSetup: cannot find ./down from',
    ],
    [
      'a global setup that is no function',
      wrapped("globalSetup: './up.json'"),
      'up.json exports object; export a function',
    ],
    [
      'an environment that is nowhere',
      wrapped("testEnvironment: 'moon'"),
      'cannot find jest-environment-moon or moon from',
    ],
  ])('fails the run: %s', async (_, config, message) => {
    const files = { 'jest.config.js': config, 'up.json': '{}' };
    const end = await runJest('plain', { args: empty, files });
    expect(end.stderr).toContain(message);
    expect(end).toMatchObject(red);
  });

  it.each([
    ['globalSetup', "castoff's setup did not run"],
    ['globalTeardown', "castoff's teardown would not run"],
  ])('fails the run: a preset of which the config replaces the %s', async (option, message) => {
    const config = `module.exports = { preset: 'castoff', transform: {}, ${option}: './own.js' };`;
    const files = { 'jest.config.js': config, 'own.js': 'module.exports = () => undefined;' };
    const end = await runJest('plain', { args: empty, files });
    expect(end.stderr).toContain(message);
    expect(end.stderr).toContain('wrap the config in withCastoff');
    expect(end).toMatchObject(red);
  });

  it('fails the run: a variable with a value that it cannot have', async () => {
    const end = await runJest('plain', { args: empty, env: { CASTOFF_LEAKS: 'never' } });
    expect(end.stderr).toContain('CASTOFF_LEAKS: got "never"; give fail, warn or off');
    expect(end).toMatchObject(red);
  });
});

describe('projects with configs of their own', () => {
  const project = (name: string, options: string): Record<string, string> => ({
    [`${name}/jest.config.js`]: wrapped(`displayName: '${name}'`, options),
    [`${name}/${name}.test.js`]: `test('${name}', () => undefined);`,
  });
  const root = (config: string): Record<string, string> => ({ 'jest.config.js': config });
  const projects = "projects: ['<rootDir>/a', '<rootDir>/b']";

  it('have to agree on the options of the run', async () => {
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
    expect(end).toMatchObject(red);
  });

  it('leave that to the root, where castoff is around it', async () => {
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

describe('without an engine', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'castoff-no-engine-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('a run is green where no test needs one, and red with ENGINE_UNREACHABLE where one does', async () => {
    const env = { DOCKER_HOST: `unix://${join(folder, 'nobody.sock')}` };
    const [without, needy] = await Promise.all([
      runJest('plain', { args: empty, env }),
      runJest('plain', { args: ['one-container.test.js'], env }),
    ]);
    expect(without).toMatchObject({ exitCode: 0, left: [] });
    expect(without.stderr).not.toMatch(/castoff/i);
    expect(needy.stdout).toContain('codes: START_FAILED ENGINE_UNREACHABLE');
    expect(needy.stderr).toContain(`find a Docker engine: ${env.DOCKER_HOST} (DOCKER_HOST): no such socket`);
    expect(needy).toMatchObject(red);
  });
});
