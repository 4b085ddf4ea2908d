import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { isOwnModule, ownModules } from '../../lib/jest/own-modules';
import { withCastoff } from '../../lib/jest/with-castoff';

interface Wrapped {
  readonly globalSetup?: string;
  readonly globalTeardown?: string;
  readonly testEnvironment?: string;
  readonly testEnvironmentOptions?: { readonly castoff: object };
  readonly testRunner?: string;
  readonly projects?: readonly unknown[];
}

const rootDir = join(__dirname, '../fixtures/jest/presets');
const wrap = (config: object, options = {}): Wrapped =>
  withCastoff(Object.assign({ rootDir }, config) as Wrapped, options);
const own = { testEnvironment: ownModules.testEnvironment, testRunner: ownModules.testRunner };
const ownHook = {
  globalSetup: expect.stringMatching(/dist\/jest\/hooks\/setup-\d+\.js$/),
  globalTeardown: expect.stringMatching(/dist\/jest\/hooks\/teardown-\d+\.js$/),
};
const castoffOf = (config: object, options = {}) => wrap(config, options).testEnvironmentOptions?.castoff;

describe('withCastoff', () => {
  it("sets the preset's options, and its own where each worker reads them", () => {
    expect(withCastoff({ verbose: true }, { leaks: 'warn', keep: undefined })).toEqual({
      verbose: true,
      ...ownModules,
      testEnvironmentOptions: { castoff: { leaks: 'warn' } },
    });
  });

  it('keeps the values that it replaces', () => {
    const config = { globalSetup: './up.js', globalTeardown: './down.js', testEnvironment: 'jsdom' };
    expect(wrap(config)).toMatchObject({ ...own, ...ownHook });
    expect(castoffOf(config)).toEqual({
      globalSetup: './up.js',
      globalTeardown: './down.js',
      environment: 'jsdom',
    });
  });

  it('passes all other options on', () => {
    const config = {
      preset: './whole',
      setupFilesAfterEnv: ['./a.js'],
      reporters: ['default'],
      testTimeout: 1,
    };
    expect(wrap(config)).toMatchObject(config);
  });

  it.each(['./environment.ts', '<rootDir>/environment.js', '/app/environment.mjs'])(
    'leaves %s, a file of the project, to Jest',
    (testEnvironment) => {
      expect(wrap({ testEnvironment })).toMatchObject({ testEnvironment, testRunner: ownModules.testRunner });
      expect(castoffOf({ testEnvironment })).toEqual({});
    },
  );

  it('keeps a runner other than jest-circus, and replaces the environment only', () => {
    const config = { testRunner: 'jasmine2', testEnvironment: './environment.js' };
    expect(wrap(config)).toMatchObject({
      testRunner: 'jasmine2',
      testEnvironment: ownModules.testEnvironment,
    });
    expect(castoffOf(config)).toEqual({ environment: './environment.js' });
  });

  it('wraps the config that a function resolves to', async () => {
    const wrapped = withCastoff(async () => ({ verbose: true }), { leaks: 'off' });
    expect(await wrapped()).toEqual(withCastoff({ verbose: true }, { leaks: 'off' }));
  });

  it('has the same result when it is called twice', () => {
    const config = { rootDir, globalSetup: './up.js', testEnvironment: 'jsdom' };
    const once = withCastoff(config, { leaks: 'warn' });
    expect(withCastoff(once)).toEqual(once);
  });
});

describe('withCastoff around an invalid config', () => {
  it.each([
    [undefined, 'got undefined'],
    [null, 'got null'],
    [Promise.resolve({}), 'got a promise'],
  ])('refuses %s', (config, message) => {
    const error = { code: 'CONFIG_INVALID', message: expect.stringContaining(message) };
    expect(() => withCastoff(config as object)).toThrow(expect.objectContaining(error));
  });

  it('refuses a function that does not return a config', async () => {
    const wrapped = withCastoff(async () => undefined as unknown as object);
    await expect(wrapped()).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});

describe('withCastoff around a preset', () => {
  it('keeps the values of the preset that it replaces', () => {
    const wrapped = wrap({ preset: './whole' });
    expect(wrapped).toMatchObject({ preset: './whole', ...own, ...ownHook });
    expect(wrapped.testEnvironmentOptions).toEqual({
      url: 'http://preset',
      castoff: {
        globalSetup: '<rootDir>/preset-setup.js',
        globalTeardown: './preset-teardown.js',
        environment: 'jsdom',
      },
    });
  });

  it('prefers the config to the preset, as Jest does', () => {
    const config = { preset: './whole', globalSetup: './up.js', testEnvironmentOptions: { own: true } };
    expect(castoffOf(config)).toMatchObject({ globalSetup: './up.js', environment: 'jsdom' });
    expect(wrap(config).testEnvironmentOptions).not.toHaveProperty('url');
  });

  it('reads a preset that is an ES module', () => {
    expect(castoffOf({ preset: './as-module' })).toEqual({ environment: 'jsdom' });
  });

  it("recognises castoff's own preset", () => {
    expect(castoffOf({ preset: 'castoff' })).toEqual({});
  });

  it.each([
    ['./nowhere', /preset "\.\/nowhere": cannot find \.\/nowhere from .*presets/],
    ['castoff-nowhere', /preset "castoff-nowhere": cannot find castoff-nowhere\/jest-preset from/],
    ['./broken', /preset ".\/broken": .*broken\.js cannot be loaded/],
  ])('refuses the preset %s', (preset, message) => {
    const error = { code: 'CONFIG_INVALID', message: expect.stringMatching(message) };
    expect(() => wrap({ preset })).toThrow(expect.objectContaining(error));
  });
});

describe('withCastoff around several projects', () => {
  const wrapped = wrap({
    globalSetup: './up.js',
    projects: [{ displayName: 'a', globalSetup: './own.js', testEnvironment: 'jsdom' }, '<rootDir>/b'],
  });

  it('wraps projects that are objects, with their own hooks, and keeps those that are paths', () => {
    expect(wrapped.projects).toEqual([
      {
        displayName: 'a',
        ...own,
        ...ownHook,
        testEnvironmentOptions: { castoff: { environment: 'jsdom', globalSetup: './own.js' } },
      },
      '<rootDir>/b',
    ]);
  });

  it('opens the run with the root', () => {
    expect(wrapped).toMatchObject(ownHook);
    expect(wrapped).not.toHaveProperty('testEnvironment');
  });
});

describe("the hook files for a config's own hooks", () => {
  const filesOf = (config: object): readonly unknown[] => {
    const { globalSetup, globalTeardown } = wrap(config);
    return [globalSetup, globalTeardown];
  };

  it('are the same for the same hooks, written in different ways', () => {
    expect(filesOf({ globalSetup: './whole.json' })).toEqual(filesOf({ globalSetup: '<rootDir>/whole' }));
  });

  it('are different for different hooks, and for none', () => {
    const files = [
      {},
      { globalSetup: './a.js' },
      { globalTeardown: './a.js' },
      { globalSetup: './b.js' },
    ].map(filesOf);
    expect(new Set(files.flat()).size).toBe(8);
    expect(files[0]).toEqual([ownModules.globalSetup, ownModules.globalTeardown]);
  });

  it('are recognised in another copy of castoff', () => {
    const copy = '/repo/packages/a/node_modules/castoff/dist/jest';
    expect(isOwnModule('globalSetup', `${copy}/hooks/setup-7.js`)).toBe(true);
    expect(isOwnModule('globalTeardown', `${copy}/teardown.js`)).toBe(true);
    expect(isOwnModule('globalSetup', `${copy}/hooks/teardown-7.js`)).toBe(false);
    expect(isOwnModule('globalSetup', '/repo/jest/setup.js')).toBe(false);
  });
});
