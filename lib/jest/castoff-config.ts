import { definedOnly } from '../core/defined-only';
import { CastoffError } from '../core/errors';
import { checkOptions, type CastoffOptions } from './settings';

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

/** What `assertSameConfig` compares by, as the text of an environment variable. */
export function writeRunConfig(config: CastoffConfig, isOfRoot: boolean): string {
  return JSON.stringify({ isOfRoot, config: ofRun(config) });
}

/**
 * Jest runs one of several equal global setups: projects that were wrapped on their own have to agree on what it is to do.
 *
 * @throws CastoffError `CONFIG_INVALID` when the run was not set up as `config` has it.
 */
export function assertSameConfig(
  config: CastoffConfig,
  environment: Readonly<Record<string, string | undefined>>,
): void {
  const text = environment[runConfigVariable];
  if (text === undefined) return;
  const run = JSON.parse(text) as { isOfRoot: boolean; config: object };
  const [here, there] = [JSON.stringify(ofRun(config)), JSON.stringify(run.config)];
  if (here === there || (run.isOfRoot && here === '{}')) return;
  throw new CastoffError(
    'CONFIG_INVALID',
    `withCastoff: two of the run's projects disagree, ${here} and ${there}; give options, globalSetup and globalTeardown to ` +
      `withCastoff around the root config, and preset: 'castoff' to its projects`,
  );
}

/** Without what each project may have for itself; in one order. */
function ofRun(config: CastoffConfig): object {
  const given = Object.entries(definedOnly(config)).filter(([name]) => name !== 'environment');
  return Object.fromEntries(given.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
