import { dirname, join, sep } from 'node:path';

// Found through castoff's own `exports`, from whichever file of the build asks; once, for that costs half a millisecond.
const folder = dirname(require.resolve('castoff/jest/setup'));

/** What castoff gives Jest to load: absolute paths. */
export const ownModules = {
  testEnvironment: join(folder, 'environment.js'),
  testRunner: join(folder, 'build', 'runner.js'),
  globalSetup: join(folder, 'setup.js'),
  globalTeardown: join(folder, 'teardown.js'),
} as const;

/** Runs in the sandbox of each test file, after its environment, and fails the file where castoff is not in it. */
export const watchedCheck = join(folder, 'watched.js');

/** How many numbered hook files the build has; `rolldown.config.mjs` writes them. */
export const hookFileCount = 100;

/** The path of a numbered hook file: alike in what it does, and one more for Jest to run. */
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

/** Whether `path` is what castoff gives Jest for an option; also another installed copy of castoff, as monorepos have. */
export function isOwnModule(option: keyof typeof fileNames, path: string | null | undefined): boolean {
  if (path == null) return false;
  const name = path.startsWith(folder + sep)
    ? path.slice(folder.length + 1)
    : /[\\/]castoff[\\/]dist[\\/]jest[\\/](.+)$/.exec(path)?.[1];
  return name !== undefined && fileNames[option].test(name);
}
