import { readVariable } from '../core/environment';
import { assertSameOptions, readCastoffConfig } from './castoff-config';
import type { EnvironmentConfig } from './environment';
import { instrumentEnvironmentLate, type JestEnvironment } from './instrument-environment';
import { assertOwnHooks, replacedError } from './replaced-error';
import { resolveInJest } from './resolve-environment';

type Runner = (
  globalConfig: unknown,
  projectConfig: EnvironmentConfig['projectConfig'],
  environment: JestEnvironment,
  runtime: unknown,
  testPath: string,
  ...rest: unknown[]
) => Promise<unknown>;

/**
 * Jest's `testRunner`: jest-circus, with the environment of the test file instrumented by castoff, even if a
 * docblock or the config names another one.
 *
 * @throws CastoffError `CONFIG_INVALID` when castoff's setup was replaced, or the run was opened with other
 * options.
 */
const runner: Runner = async (globalConfig, projectConfig, environment, runtime, testPath, ...rest) => {
  const { rootDir, testEnvironmentOptions } = projectConfig;
  // Tests that do not use castoff would pass without being watched.
  if (readVariable('CASTOFF_RUN') === undefined) throw replacedError('setup', 'globalSetup');
  assertOwnHooks(projectConfig);
  assertSameOptions(readCastoffConfig(testEnvironmentOptions), process.env);
  const file = await instrumentEnvironmentLate(environment, testPath, rootDir);
  if (file !== undefined) file.runtime = runtime;
  const circus = loadCircus(rootDir);
  const run = (): Promise<unknown> =>
    circus(globalConfig, projectConfig, environment, runtime, testPath, ...rest);
  try {
    return await (file === undefined ? run() : file.within(run));
  } finally {
    await file?.endUnloaded();
  }
};

export default runner;

const loaded = new Map<string, Runner>();

function loadCircus(rootDir: string): Runner {
  const known = loaded.get(rootDir);
  if (known !== undefined) return known;
  const exported = require(resolveInJest('jest-circus/runner', rootDir)) as
    Runner | { readonly default: Runner };
  const circus = 'default' in exported ? exported.default : exported;
  loaded.set(rootDir, circus);
  return circus;
}
