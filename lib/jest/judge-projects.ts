import type { ProjectConfig } from './global-hook';
import { isOwnModule, watchedCheck } from './own-modules';

/** The part of a project's config that shows whether castoff watches it. */
export type JudgedProject = Pick<
  ProjectConfig,
  'testEnvironment' | 'testRunner' | 'globalSetup' | 'globalTeardown' | 'setupFilesAfterEnv'
>;

/**
 * Returns whether castoff watches the test files of a project: `watched`; `replaced` if the config has
 * castoff but replaces both its runner and its environment; `without` if the config does not have castoff.
 */
export function judgeProject(project: JudgedProject): 'watched' | 'replaced' | 'without' {
  const { testEnvironment, testRunner, globalSetup, globalTeardown, setupFilesAfterEnv = [] } = project;
  if (isOwnModule('testEnvironment', testEnvironment) || isOwnModule('testRunner', testRunner))
    return 'watched';
  const hasCastoff =
    isOwnModule('globalSetup', globalSetup) ||
    isOwnModule('globalTeardown', globalTeardown) ||
    setupFilesAfterEnv.includes(watchedCheck);
  return hasCastoff ? 'replaced' : 'without';
}
