import { readCastoffConfig, type CastoffConfig } from './castoff-config';
import type { GlobalConfig, ProjectConfig } from './global-hook';
import { isOwnModule } from './own-modules';
import { rootConfig } from './root-config';

/** The options of a run, and the folder that their paths are relative to. */
export interface RunConfig {
  readonly config: CastoffConfig;
  readonly rootDir: string;
  /** Whether they are those of a root that is wrapped. */
  readonly isOfRoot: boolean;
}

/** The root's config where there are several projects and castoff is around them; else that of the project Jest has picked. */
export function findRunConfig(globalConfig: GlobalConfig, projectConfig: ProjectConfig): RunConfig {
  const { rootDir, globalSetup } = globalConfig;
  const root = isOwnModule('globalSetup', globalSetup) ? rootConfig() : undefined;
  if (root !== undefined && hasProjects(globalConfig)) return { config: root, rootDir, isOfRoot: true };
  return { config: readCastoffConfig(projectConfig.testEnvironmentOptions), rootDir, isOfRoot: false };
}

/** Whether Jest's config has `projects` beside itself. */
export function hasProjects({ rootDir, projects = [] }: GlobalConfig): boolean {
  return projects.length > 1 || projects.some((project) => project !== rootDir);
}
