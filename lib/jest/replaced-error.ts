import { CastoffError } from '../core/errors';

/** What to do where a config beside `preset: 'castoff'` has an option of its own in the place of castoff's. */
export function replacedError(
  what: 'setup' | 'teardown',
  option: 'globalSetup' | 'globalTeardown',
): CastoffError {
  return new CastoffError(
    'CONFIG_INVALID',
    `castoff/jest: castoff's ${what} ${what === 'setup' ? 'did' : 'would'} not run, because the config has a ${option} of its own in its place; ` +
      'wrap the config in withCastoff of castoff/jest-preset, which runs both',
  );
}
