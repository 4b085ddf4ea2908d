import { print } from '../core/print';
import { relative, sep } from 'node:path';
import { CastoffError, messageOf } from '../core/errors';
import type { GlobalConfig, ProjectConfig } from './global-hook';
import { judgeProject } from './judge-projects';
import { isOwnModule } from './own-modules';
import { resolveInJest } from './resolve-environment';
import { hasProjects } from './run-config';

/** Hooks that Jest runs without castoff, as absolute paths. */
export interface OutsideHooks {
  readonly outsideHooks: readonly string[];
  /** The global setups among them. */
  readonly outsideSetups: readonly string[];
}

/**
 * Checks that castoff watches the projects of the run. Prints a project without castoff if the root config is
 * wrapped.
 *
 * Resolves to the hooks that Jest runs without castoff.
 *
 * @throws CastoffError `CONFIG_INVALID` when a project replaces both castoff's runner and its environment,
 * and when castoff watches no project.
 */
export async function checkProjects(
  globalConfig: GlobalConfig,
  projectConfig: ProjectConfig,
  isRootWrapped: boolean,
): Promise<OutsideHooks> {
  const projects = hasProjects(globalConfig)
    ? await readProjects(globalConfig, projectConfig)
    : [projectConfig];
  const judged = projects.map((project) => ({ project, judgement: judgeProject(project) }));
  for (const { project, judgement } of judged)
    if (judgement === 'replaced') throw replacedRunner(nameOf(project, globalConfig));
  if (judged.every(({ judgement }) => judgement === 'without')) throw unwatchedRun();
  const without = judged.filter(({ judgement }) => judgement === 'without');
  if (isRootWrapped) {
    for (const { project } of without) {
      // Linters that run as projects have their own runner, and no tests.
      if (project.runner !== undefined && !/[\\/]jest-runner[\\/]/.test(project.runner)) continue;
      print(
        `${nameOf(project, globalConfig)} is not watched; wrap its own config in withCastoff from castoff/jest-preset as well`,
      );
    }
  }
  const hooked = [...without.map(({ project }) => project), globalConfig];
  const outside = (option: 'globalSetup' | 'globalTeardown'): readonly string[] =>
    hooked.map((config) => config[option] ?? '').filter((path) => path !== '' && !isOwnModule(option, path));
  const outsideSetups = [...new Set(outside('globalSetup'))];
  return { outsideHooks: [...outsideSetups, ...outside('globalTeardown')], outsideSetups };
}

interface JestConfigModule {
  readonly readConfig: (
    argv: object,
    pathOrConfig: unknown,
    skipArgvConfig: boolean,
    parentFolder: string,
    index: number,
    skipMultipleConfigError: boolean,
  ) => Promise<{ readonly projectConfig: ProjectConfig }>;
}

/** Reads the configs of all projects with jest-config, because Jest passes a hook only one of them. */
async function readProjects(
  { rootDir, projects = [] }: GlobalConfig,
  known: ProjectConfig,
): Promise<readonly ProjectConfig[]> {
  try {
    const { readConfig } = require(resolveInJest('jest-config', rootDir)) as JestConfigModule;
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
