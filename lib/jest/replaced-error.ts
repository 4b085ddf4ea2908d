import { CastoffError } from '../core/errors';

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
