import { beforeAll, describe, expect, it } from '@jest/globals';
import { runJest, type JestRunOptions } from '../support/jest-run';
import { isLong } from '../support/spec-size';

const run = async (options: JestRunOptions = {}) => {
  const end = await runJest('monorepo', options);
  return {
    ...end,
    hooks: end.stdout.match(/\b(setup|teardown) of .*/g) ?? [],
    printed: end.stderr.split('\n').filter((line) => line.startsWith('castoff:')),
  };
};
const passed = { exitCode: 0, left: [] };
const failed = { exitCode: 1, left: [] };
const rootOf = (config: string): Record<string, string> => ({
  'jest.config.js': `module.exports = ${config};`,
  'setup.js': "module.exports = require('./hooks.js').setupOf('root');",
  'teardown.js': "module.exports = require('./hooks.js').teardownOf('root');",
});
const wrap = "require('castoff/jest-preset').withCastoff";
const hooks = "globalSetup: './setup.js', globalTeardown: './teardown.js'";
const packageC = (config: string, test = ''): Record<string, string> => ({
  'packages/c/jest.config.js': `module.exports = ${config};`,
  'packages/c/setup.js': "module.exports = require('../../hooks.js').setupOf('c');",
  'packages/c/teardown.js': `
    const Docker = require('dockerode');
    module.exports = async () => {
      await require('../../hooks.js').teardownOf('c')();
      await new Docker().getContainer(process.env.CONTAINER_OF_c).remove();
    };`,
  'packages/c/c.test.js': `${test}\ntest('c', () => undefined);`,
});

describe('projects that are paths, each wrapped on its own', () => {
  it("run every project's hooks, and castoff closes after the last one", async () => {
    const end = await run();
    expect(end.hooks.toSorted()).toEqual([
      'setup of a',
      'setup of b',
      'teardown of a: still there',
      'teardown of b: still there',
    ]);
    expect(end.printed).toEqual(['castoff: 2 containers, all gone']);
    expect(end.stderr).toMatch(/Tests: +2 passed, 2 total/);
    expect(end).toMatchObject(passed);
  });

  const versions = ['30', '29'] as const;
  it.each(isLong ? versions : versions.slice(0, 1))(
    'run the hooks of the projects that Jest %s selects alone',
    async (jest) => {
      const end = await run({ jest, args: ['--selectProjects', 'b'] });
      expect(end.hooks).toEqual(['setup of b', 'teardown of b: still there']);
      expect(end.printed).toEqual(['castoff: 1 container, all gone']);
      expect(end).toMatchObject(passed);
    },
  );

  it('run in the folder of one project with the same config', async () => {
    const end = await run({ cwd: 'packages/a' });
    expect(end.hooks).toEqual(['setup of a', 'teardown of a: still there']);
    expect(end.printed).toEqual(['castoff: 1 container, all gone']);
    expect(end).toMatchObject(passed);
  });

  it('are cleaned up if the setup of one throws', async () => {
    const end = await run({ env: { SETUP_THROWS: 'b' } });
    expect(end.stderr).toContain('the setup of b has had enough');
    expect(end.hooks.filter((hook) => hook.startsWith('teardown'))).toEqual([]);
    expect(end).toMatchObject(failed);
  });

  it('are all torn down and judged if the teardown of one throws', async () => {
    const end = await run({ env: { TEARDOWN_THROWS: 'a' } });
    expect(end.stderr).toContain('the teardown of a has had enough');
    expect(end.hooks).toHaveLength(4);
    expect(end.printed).toEqual(['castoff: 2 containers, all gone']);
    expect(end).toMatchObject(failed);
  });
});

describe('projects that are paths in a wrapped root config', () => {
  let end: Awaited<ReturnType<typeof run>>;
  beforeAll(async () => {
    const files = {
      ...rootOf(`${wrap}({ projects: ['<rootDir>/packages/*'], ${hooks} }, { leaks: 'warn' })`),
      ...packageC(`${wrap}({ displayName: 'c', transform: {} }, { leaks: 'off' })`),
      'packages/d/jest.config.js': "module.exports = { displayName: 'd', transform: {} };",
      'packages/d/d.test.js': "test('d', () => undefined);",
    };
    end = await run({ files });
  });

  it("use the root's options and hooks, even if their own options differ", () => {
    expect(end.hooks).toHaveLength(6);
    expect(end.printed).toContain('castoff: 3 containers, all gone');
    expect(end.stderr).toMatch(/Tests: +4 passed, 4 total/);
    expect(end).toMatchObject(passed);
  });

  it('are printed if they do not have castoff', () => {
    expect(end.printed).toEqual([
      expect.stringMatching(/^castoff: project d is not watched.*withCastoff/),
      'castoff: 3 containers, all gone',
    ]);
  });
});

describe('projects that are objects', () => {
  it('run their own hooks inside castoff, each file once', async () => {
    const inline = (name: string): string =>
      `{ displayName: '${name}', rootDir: '<rootDir>/packages/${name}', transform: {}, globalSetup: '<rootDir>/../a/setup.js' }`;
    const files = {
      ...rootOf(`${wrap}({ projects: [${inline('a')}, ${inline('b')}], ${hooks} })`),
      'packages/b/b.test.js': "test('b', () => expect(process.env.CONTAINER_OF_a).toBeDefined());",
    };
    const end = await run({ files });
    expect(end.hooks).toEqual(['setup of a', 'setup of root', 'teardown of root: still there']);
    expect(end.printed).toEqual(['castoff: 2 containers, all gone']);
    expect(end).toMatchObject(passed);
  });
});

describe('a project without castoff beside others', () => {
  it('keeps the resources of its global setup, and castoff prints that it did not watch them', async () => {
    const files = packageC(`{ displayName: 'c', transform: {}, ${hooks} }`);
    const end = await run({ files });
    expect(end.hooks).toContain('teardown of c: still there');
    expect(end.printed).toEqual([
      expect.stringMatching(/^castoff: .*packages\/c\/setup\.js ran outside of castoff.*withCastoff/),
      'castoff: 2 containers, all gone',
    ]);
    expect(end).toMatchObject(passed);
  });

  it('fails the run if no project has castoff', async () => {
    const files = {
      ...rootOf(`${wrap}({ projects: ['<rootDir>/packages/c'] })`),
      ...packageC("{ displayName: 'c', transform: {} }"),
    };
    const end = await run({ files });
    expect(end.stderr).toMatch(
      /no test file of this run would be watched.*wrap the config of each in withCastoff/,
    );
    expect(end).toMatchObject(failed);
  });
});

describe("a config that replaces castoff's modules", () => {
  const replaced =
    "preset: 'castoff', transform: {}, testRunner: 'jest-circus/runner', testEnvironment: 'node'";
  const advice = /its config replaces castoff's testRunner and testEnvironment.*withCastoff/;

  it('fails the run', async () => {
    const end = await run({ files: { 'jest.config.js': `module.exports = { ${replaced} };` } });
    expect(end.stderr).toMatch(advice);
    expect(end.printed.join()).not.toContain('all gone');
    expect(end).toMatchObject(failed);
  });

  it('fails the run if one of several projects has it', async () => {
    const end = await run({ files: packageC(`{ displayName: 'c', ${replaced} }`) });
    expect(end.stderr).toMatch(/project c: /);
    expect(end.stderr).toMatch(advice);
    expect(end).toMatchObject(failed);
  });

  it('fails the tests of a project whose hooks replace those of the preset', async () => {
    const files = packageC(`{ displayName: 'c', preset: 'castoff', transform: {}, ${hooks} }`);
    const end = await run({ files });
    expect(end.stderr).toMatch(
      /packages\/c\/c\.test\.js[^]*the config replaces its globalSetup; wrap the config in withCastoff/,
    );
    expect(end).toMatchObject({ exitCode: 1 });
  });

  it('fails a file whose docblock names another environment, if the runner is replaced', async () => {
    const config = "preset: 'castoff', transform: {}, testRunner: 'jest-circus/runner', displayName: 'c'";
    const files = packageC(`{ ${config} }`, '/** @jest-environment node */');
    const end = await run({ files, args: ['--selectProjects', 'c'] });
    expect(end.stderr).toMatch(/this test file is not watched.*withCastoff/);
    expect(end).toMatchObject(failed);
  });
});
