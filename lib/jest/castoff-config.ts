import { definedOnly } from '../core/defined-only';
import { CastoffError } from '../core/errors';
import { checkOptions, type CastoffOptions } from '../runner/options';

/** What `testEnvironmentOptions.castoff` of a project holds: the options, and what castoff has taken the place of. */
export interface CastoffConfig extends CastoffOptions {
  /** The `testEnvironment` that castoff is mixed into, as the user has it. */
  readonly environment?: string | undefined;
  readonly globalSetup?: string | undefined;
  readonly globalTeardown?: string | undefined;
}

/** By this the environment of a file learns with what the run was set up. */
export const runConfigVariable = 'CASTOFF_RUN_CONFIG';

/**
 * @throws CastoffError `CONFIG_INVALID` where somebody has written it by hand, and not as it is meant.
 */
export function readCastoffConfig(testEnvironmentOptions: Readonly<Record<string, unknown>>): CastoffConfig {
  const given = testEnvironmentOptions['castoff'];
  if (given === undefined) return {};
  if (typeof given !== 'object' || given === null) {
    throw new CastoffError(
      'CONFIG_INVALID',
      `testEnvironmentOptions.castoff: got ${JSON.stringify(given)}; leave it to withCastoff`,
    );
  }
  const { environment, globalSetup, globalTeardown, ...options }: CastoffConfig = given;
  checkOptions(options);
  return { ...options, environment, globalSetup, globalTeardown };
}

/** What `assertSameOptions` compares by, as the text of an environment variable. */
export function writeRunConfig(config: CastoffConfig, isOfRoot: boolean): string {
  return JSON.stringify({ isOfRoot, options: optionsOf(config) });
}

/**
 * Projects that are wrapped on their own have to agree on the options of the run, unless its root is wrapped, whose options hold.
 *
 * @throws CastoffError `CONFIG_INVALID` when the run was opened with other options than `config` has.
 */
export function assertSameOptions(
  config: CastoffConfig,
  environment: Readonly<Record<string, string | undefined>>,
): void {
  const text = environment[runConfigVariable];
  if (text === undefined) return;
  const run = JSON.parse(text) as { isOfRoot: boolean; options: object };
  if (run.isOfRoot) return;
  const [here, there] = [JSON.stringify(optionsOf(config)), JSON.stringify(run.options)];
  if (here === there) return;
  throw new CastoffError(
    'CONFIG_INVALID',
    `withCastoff: two of the run's projects disagree on its options, ${here} and ${there}; ` +
      'wrap the root config in withCastoff as well, with the options of the whole run',
  );
}

/** Without what each project has for itself; in one order. */
function optionsOf(config: CastoffConfig): object {
  const { environment: _e, globalSetup: _s, globalTeardown: _t, ...options } = config;
  const given = Object.entries(definedOnly(options));
  return Object.fromEntries(given.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
