import { CastoffError } from '../core/errors';
import { isOwnModule } from './own-modules';

/** Creates the error for a config that replaces castoff's setup or teardown beside `preset: 'castoff'`. */
export function replacedError(
  what: 'setup' | 'teardown',
  option: 'globalSetup' | 'globalTeardown',
): CastoffError {
  return new CastoffError(
    'CONFIG_INVALID',
    `castoff/jest: castoff's ${what} ${what === 'setup' ? 'did' : 'would'} not run, because the config replaces its ${option}; ` +
      'wrap the config in withCastoff from castoff/jest-preset, which runs both',
  );
}

/**
 * Checks that a project does not replace castoff's hooks: its own hook would run without castoff, even if
 * other projects of the run have castoff.
 *
 * @throws CastoffError `CONFIG_INVALID` when it does.
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
