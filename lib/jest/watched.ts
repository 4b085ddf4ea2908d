import { CastoffError } from '../core/errors';
import { bridgeKey } from '../runner/bridge';

if (!(bridgeKey in globalThis)) {
  throw new CastoffError(
    'CONFIG_INVALID',
    "castoff/jest: this test file is not watched, because neither its environment nor its runner is castoff's; " +
      'remove testRunner and testEnvironment beside the preset, or wrap the config in withCastoff from castoff/jest-preset',
  );
}
