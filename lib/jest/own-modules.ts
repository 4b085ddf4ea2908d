import { dirname, join } from 'node:path';

// Found through castoff's own `exports`, from whichever file of the build asks; once, for that costs half a millisecond.
const folder = dirname(require.resolve('castoff/jest/setup'));

/** What castoff gives Jest to load: absolute paths. */
export const ownModules = {
  testEnvironment: join(folder, 'environment.js'),
  testRunner: join(folder, 'runner.js'),
  globalSetup: join(folder, 'setup.js'),
  globalTeardown: join(folder, 'teardown.js'),
} as const;
