import { dirname, join, sep } from 'node:path';
import { replacedError } from './replaced-error';

// Resolved by castoff's `exports`: the build may inline this file anywhere. Once, because it takes 0.5 ms.
const folder = dirname(require.resolve('castoff/jest/setup'));

/** Absolute paths of castoff's modules that Jest loads, by option. */
export const ownModules = {
  testEnvironment: join(folder, 'environment.js'),
  testRunner: join(folder, 'build', 'runner.js'),
  globalSetup: join(folder, 'setup.js'),
  globalTeardown: join(folder, 'teardown.js'),
} as const;

/** Absolute path of the setup file that fails a test file whose environment castoff has not instrumented. */
export const watchedCheck = join(folder, 'watched.js');

/** Number of numbered hook files in the build; `rolldown.config.mjs` writes them. */
export const hookFileCount = 100;

/** Returns the path of a numbered hook file. All do the same, but Jest runs each path once. */
export function numberedHook(option: 'globalSetup' | 'globalTeardown', number: number): string {
  const name = option === 'globalSetup' ? 'setup' : 'teardown';
  return join(folder, 'hooks', `${name}-${number}.js`);
}

const fileNames = {
  testEnvironment: /^environment\.js$/,
  testRunner: /^build[\\/]runner\.js$/,
  globalSetup: /^(?:setup|hooks[\\/]setup-\d+)\.js$/,
  globalTeardown: /^(?:teardown|hooks[\\/]teardown-\d+)\.js$/,
} as const;

/** Returns whether `path` is castoff's module for an option, in this or another installed copy of castoff. */
export function isOwnModule(option: keyof typeof fileNames, path: string | null | undefined): boolean {
  if (path == null) return false;
  const name = path.startsWith(folder + sep)
    ? path.slice(folder.length + 1)
    : /[\\/]castoff[\\/]dist[\\/]jest[\\/](.+)$/.exec(path)?.[1];
  return name !== undefined && fileNames[option].test(name);
}

/**
 * Checks that a project does not replace castoff's hooks: its own hook would run without castoff.
 *
 * @throws CastoffError `CONFIG_INVALID` when it does, even if other projects of the run have castoff.
 */
export function assertOwnHooks(config: {
  readonly globalSetup?: string | null | undefined;
  readonly globalTeardown?: string | null | undefined;
}): void {
  for (const [what, option] of [
    ['setup', 'globalSetup'],
    ['teardown', 'globalTeardown'],
  ] as const) {
    if (config[option] != null && !isOwnModule(option, config[option])) throw replacedError(what, option);
  }
}
