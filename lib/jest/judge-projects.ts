import type { ProjectConfig } from './global-hook';
import { isOwnModule, watchedCheck } from './own-modules';

export type JudgedProject = Pick<
  ProjectConfig,
  'testEnvironment' | 'testRunner' | 'globalSetup' | 'globalTeardown' | 'setupFilesAfterEnv'
>;

/**
 * Whether castoff sees the test files of a project: `replaced` where its config has castoff, with a runner and an environment of its
 * own instead; `without` where it has none of castoff.
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
