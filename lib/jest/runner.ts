import { runOutsideContexts } from '../runner/current-context';
import { readRunVariable } from '../runner/run-variables';
import { assertSameOptions, readCastoffConfig } from './castoff-config';
import { instrumentEnvironmentLate, type JestEnvironment } from './instrument-environment';
import { assertOwnHooks } from './own-modules';
import { replacedError } from './replaced-error';
import { runTestsOutside } from './run-phase';
import { defaultOf, loadFromJest, type TestRunner } from './user-jest';

/**
 * Jest's `testRunner`: jest-circus, with the environment of the test file instrumented, even if a docblock or
 * the config names another one.
 *
 * @throws CastoffError `CONFIG_INVALID` when castoff's setup was replaced, or the run has other options.
 */
const runner: TestRunner<JestEnvironment> = async (
  globalConfig,
  projectConfig,
  environment,
  runtime,
  testPath,
  ...rest
) => {
  const { rootDir, testEnvironmentOptions } = projectConfig;
  // Tests that do not use castoff would pass without being watched.
  if (readRunVariable('CASTOFF_RUN') === undefined) throw replacedError('setup', 'globalSetup');
  assertOwnHooks(projectConfig);
  assertSameOptions(readCastoffConfig(testEnvironmentOptions));
  const file = await instrumentEnvironmentLate(environment, testPath, rootDir);
  file?.setRuntime(runtime);
  runTestsOutside(runtime, runOutsideContexts);
  const circus = defaultOf(loadFromJest('jest-circus/runner', rootDir));
  const run = (): Promise<unknown> =>
    circus(globalConfig, projectConfig, environment, runtime, testPath, ...rest);
  try {
    return await (file === undefined ? run() : file.within(run));
  } finally {
    await file?.endUnloaded();
    await file?.reportHandles();
  }
};

export default runner;
