import { definedOnly } from '../core/defined-only';
import { CastoffError } from '../core/errors';
import { checkOptions, type CastoffOptions } from '../runner/options';
import { readRunVariable } from '../runner/run-variables';

/** `testEnvironmentOptions.castoff`: castoff's options, and the user's values that castoff replaced. */
export interface CastoffConfig extends CastoffOptions {
  /** The user's `testEnvironment`, which castoff instruments. */
  readonly environment?: string | undefined;
  /** The user's hooks, which castoff's hooks call. */
  readonly globalSetup?: string | undefined;
  readonly globalTeardown?: string | undefined;
}

/** Reads castoff's configuration of a project. @throws CastoffError `CONFIG_INVALID` for an invalid one */
export function readCastoffConfig(testEnvironmentOptions: Readonly<Record<string, unknown>>): CastoffConfig {
  const given = testEnvironmentOptions['castoff'];
  if (given === undefined) return {};
  if (typeof given !== 'object' || given === null) {
    throw new CastoffError(
      'CONFIG_INVALID',
      `testEnvironmentOptions.castoff: got ${JSON.stringify(given)}; use withCastoff instead`,
    );
  }
  const { environment, globalSetup, globalTeardown, ...options }: CastoffConfig = given;
  checkOptions(options);
  return { ...options, environment, globalSetup, globalTeardown };
}

/** Returns the value of `CASTOFF_RUN_CONFIG`, which `assertSameOptions` reads. */
export function writeRunConfig(config: CastoffConfig, isOfRoot: boolean): string {
  return JSON.stringify({ isOfRoot, options: optionsOf(config) });
}

/**
 * Checks that a project has the options that the run was opened with. If the root config is wrapped, its
 * options apply to all projects, and theirs may differ.
 *
 * @throws CastoffError `CONFIG_INVALID` when the options differ; lists both.
 */
export function assertSameOptions(config: CastoffConfig): void {
  const text = readRunVariable('CASTOFF_RUN_CONFIG');
  if (text === undefined) return;
  const run = JSON.parse(text) as { isOfRoot: boolean; options: object };
  if (run.isOfRoot) return;
  const [own, opened] = [JSON.stringify(optionsOf(config)), JSON.stringify(run.options)];
  if (own === opened) return;
  throw new CastoffError(
    'CONFIG_INVALID',
    `withCastoff: two projects of this run have different options, ${own} and ${opened}; ` +
      'wrap the root config in withCastoff as well, with the options of the whole run',
  );
}

/** Returns the options of the run, without those of the project, in a fixed order. */
function optionsOf(config: CastoffConfig): object {
  const { environment: _e, globalSetup: _s, globalTeardown: _t, ...options } = config;
  const given = Object.entries(definedOnly(options));
  return Object.fromEntries(given.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
