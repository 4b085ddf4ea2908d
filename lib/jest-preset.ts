import { ownModules } from './jest/own-modules';
import type { CastoffOptions } from './jest/settings';
import { withCastoff } from './jest/with-castoff';

/** Jest merges what a preset exports into the config, and takes what it knows. */
export const { testEnvironment, testRunner, globalSetup, globalTeardown } = ownModules;

export { withCastoff };
export type { CastoffOptions };
