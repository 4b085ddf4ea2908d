import { ownModules, watchedCheck } from './jest/own-modules';
import type { CastoffOptions } from './runner/options';
import { withCastoff } from './jest/with-castoff';

/** Jest merges what a preset exports into the config, and takes what it knows. */
export const { testEnvironment, testRunner, globalSetup, globalTeardown } = ownModules;

/** Jest keeps it beside the files of the config. */
export const setupFilesAfterEnv: readonly string[] = [watchedCheck];

export { withCastoff };
export type { CastoffOptions };
