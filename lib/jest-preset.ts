import { ownModules, watchedCheck } from './jest/own-modules';
import type { CastoffOptions } from './runner/options';
import { withCastoff } from './jest/with-castoff';

/** The preset's options. Jest merges them into the config, and ignores the other exports. */
export const { testEnvironment, testRunner, globalSetup, globalTeardown } = ownModules;

/** Jest runs this file in addition to the config's own `setupFilesAfterEnv`. */
export const setupFilesAfterEnv: readonly string[] = [watchedCheck];

export { withCastoff };
export type { CastoffOptions };
