import { CastoffError } from '../core/errors';
import { isOwnModule } from './own-modules';

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

/**
 * A project's own hook beside the preset runs outside of castoff, whatever other projects of the run have.
 *
 * @throws CastoffError `CONFIG_INVALID`
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
