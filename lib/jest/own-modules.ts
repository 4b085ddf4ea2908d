/** What castoff gives Jest to load: absolute paths, found through its own `exports` from whichever file of the build asks. */
export const ownModules = {
  testEnvironment: require.resolve('castoff/jest/environment'),
  testRunner: require.resolve('castoff/jest/runner'),
  globalSetup: require.resolve('castoff/jest/setup'),
  globalTeardown: require.resolve('castoff/jest/teardown'),
} as const;
