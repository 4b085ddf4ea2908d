import { print } from '../core/print';
import { relative, sep } from 'node:path';
import { CastoffError, messageOf } from '../core/errors';
import type { GlobalConfig, ProjectConfig } from './global-hook';
import { judgeProject } from './judge-projects';
import { isOwnModule } from './own-modules';
import { resolveInJest } from './resolve-environment';
import { hasProjects } from './run-config';

/** What runs beside castoff in a run of several projects: absolute paths. */
export interface OutsideHooks {
  readonly outsideHooks: readonly string[];
  /** Of these, the global setups. */
  readonly outsideSetups: readonly string[];
}

/**
 * Looks at each project of the run. One without castoff is named where the root is wrapped.
 *
 * @throws CastoffError `CONFIG_INVALID` when castoff's runner and environment are both replaced in one that has castoff, and when no
 * project has them.
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
      // Linters that run as projects have a runner of their own, and no tests.
      if (project.runner !== undefined && !/[\\/]jest-runner[\\/]/.test(project.runner)) continue;
      print(
        `${nameOf(project, globalConfig)} is not watched; wrap its own config in withCastoff of castoff/jest-preset, too`,
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

/** The configs of all projects, as Jest has read them: it hands a hook that of one project only. */
async function readProjects(
  { rootDir, projects = [] }: GlobalConfig,
  known: ProjectConfig,
): Promise<readonly ProjectConfig[]> {
  try {
    const { readConfig } = require(resolveInJest('jest-config', rootDir)) as JestConfigModule;
    const argv = { $0: 'jest', _: [] };
    const read: ProjectConfig[] = [];
    for (const [index, project] of projects.entries()) {
      const own = typeof project === 'string' ? project : { ...(project as object) };
      read.push((await readConfig(argv, own, true, rootDir, index, true)).projectConfig);
    }
    return read;
  } catch (error) {
    print(`not known whether all projects are watched: ${messageOf(error)}`);
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
    'castoff/jest: no test file of this run would be watched: a config of its own, which a path in projects names, takes nothing from ' +
      'the root; wrap each of them in withCastoff of castoff/jest-preset',
  );
}

function replacedRunner(what: string): CastoffError {
  return new CastoffError(
    'CONFIG_INVALID',
    `castoff/jest: ${what}: its test files would not be watched, because it has a testRunner and testEnvironment of its own in the place of castoff's; ` +
      'wrap the config in withCastoff of castoff/jest-preset, which keeps the environment',
  );
}
