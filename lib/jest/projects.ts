import { relative, sep } from 'node:path';
import { CastoffError, messageOf } from '../core/errors';
import { print } from '../core/print';
import type { JestRun } from './jest-run';
import { isOwnModule, watchedCheck } from './own-modules';
import { hasProjects } from './run-config';
import { loadFromJest, type GlobalConfig, type ProjectConfig } from './user-jest';

/**
 * Checks that castoff watches the projects of the run, and prints those that it does not, if the root config
 * is wrapped. Resolves to the global setups that Jest runs without castoff, and whether there are such hooks.
 *
 * @throws CastoffError `CONFIG_INVALID` when a project replaces both castoff's runner and its environment,
 * and when castoff watches no project.
 */
export async function checkProjects(
  globalConfig: GlobalConfig,
  projectConfig: ProjectConfig,
  isRootWrapped: boolean,
): Promise<{ readonly outsideSetups: readonly string[]; readonly hasOutsideHooks: boolean }> {
  const projects = hasProjects(globalConfig)
    ? await readProjects(globalConfig, projectConfig)
    : [projectConfig];
  const { replaced: [replaced] = [], without = [] } = Object.groupBy(projects, judgeProject);
  if (replaced !== undefined) throw replacedRunner(nameOf(replaced, globalConfig));
  if (without.length === projects.length) throw unwatchedRun();
  for (const project of isRootWrapped ? without : []) {
    // Linters that run as projects have their own runner, and no tests.
    if (project.runner !== undefined && !/[\\/]jest-runner[\\/]/.test(project.runner)) continue;
    print(
      `${nameOf(project, globalConfig)} is not watched; wrap its own config in withCastoff from castoff/jest-preset as well`,
    );
  }
  const outside = (option: 'globalSetup' | 'globalTeardown'): readonly string[] =>
    [...without, globalConfig]
      .map((config) => config[option] ?? '')
      .filter((path) => path !== '' && !isOwnModule(option, path));
  const outsideSetups = [...new Set(outside('globalSetup'))];
  return { outsideSetups, hasOutsideHooks: outsideSetups.length + outside('globalTeardown').length > 0 };
}

/** Prints the global setups that Jest ran without castoff. The verdict does not cover what they created. */
export function reportOutsideSetups({ outsideSetups, runConfig: { rootDir } }: JestRun): void {
  for (const path of outsideSetups.filter(hasRun)) {
    const name = relative(rootDir, path).split(sep).join('/');
    print(
      `${name} ran outside of castoff, and what it created is not watched; ` +
        'wrap its config in withCastoff from castoff/jest-preset',
    );
  }
}

/** Whether a setup has run: Jest skips projects without tests. The cache has no imported ES modules. */
function hasRun(path: string): boolean {
  return path in require.cache || path.endsWith('.mjs');
}

/**
 * Returns whether castoff watches the test files of a project: `watched`; `replaced` if the config has
 * castoff but replaces both its runner and its environment; `without` if the config does not have castoff.
 */
function judgeProject(project: ProjectConfig): 'watched' | 'replaced' | 'without' {
  const { testEnvironment, testRunner, globalSetup, globalTeardown, setupFilesAfterEnv = [] } = project;
  if (isOwnModule('testEnvironment', testEnvironment) || isOwnModule('testRunner', testRunner))
    return 'watched';
  const hasCastoff =
    isOwnModule('globalSetup', globalSetup) ||
    isOwnModule('globalTeardown', globalTeardown) ||
    setupFilesAfterEnv.includes(watchedCheck);
  return hasCastoff ? 'replaced' : 'without';
}

/** Reads the configs of all projects with jest-config, because Jest passes a hook only one of them. */
async function readProjects(
  { rootDir, projects = [] }: GlobalConfig,
  known: ProjectConfig,
): Promise<readonly ProjectConfig[]> {
  try {
    const { readConfig } = loadFromJest('jest-config', rootDir);
    const argv = { $0: 'jest', _: [] };
    const read: ProjectConfig[] = [];
    for (const [index, project] of projects.entries()) {
      const pathOrConfig = typeof project === 'string' ? project : { ...(project as object) };
      read.push((await readConfig(argv, pathOrConfig, true, rootDir, index, true)).projectConfig);
    }
    return read;
  } catch (error) {
    print(`check whether castoff watches all projects: ${messageOf(error)}`);
    return [known];
  }
}

function nameOf({ displayName, rootDir }: ProjectConfig, globalConfig: GlobalConfig): string {
  const folder = relative(globalConfig.rootDir, rootDir).split(sep).join('/');
  return `project ${displayName?.name ?? (folder === '' ? '.' : folder)}`;
}

function unwatchedRun(): CastoffError {
  return new CastoffError(
    'CONFIG_INVALID',
    'castoff/jest: no test file of this run would be watched, because projects given as paths do not inherit the root config; ' +
      'wrap the config of each in withCastoff from castoff/jest-preset',
  );
}

function replacedRunner(what: string): CastoffError {
  return new CastoffError(
    'CONFIG_INVALID',
    `castoff/jest: ${what}: its test files would not be watched, because its config replaces castoff's testRunner and testEnvironment; ` +
      'wrap the config in withCastoff from castoff/jest-preset, which keeps the environment',
  );
}
