import { readCastoffConfig, type CastoffConfig } from './castoff-config';
import type { GlobalConfig, ProjectConfig } from './global-hook';
import { ownModules } from './own-modules';
import { rootConfig } from './root-config';

/** What a run does, and from which folder its paths go. */
export interface RunConfig {
  readonly config: CastoffConfig;
  readonly rootDir: string;
  readonly isOfRoot: boolean;
}

/** The root's config where there are several projects and castoff is around them; else that of the project Jest has picked. */
export function findRunConfig(globalConfig: GlobalConfig, projectConfig: ProjectConfig): RunConfig {
  const { rootDir, projects = [], globalSetup } = globalConfig;
  const root = globalSetup === ownModules.globalSetup ? rootConfig() : undefined;
  const hasProjects = projects.length > 1 || projects.some((project) => project !== rootDir);
  if (root !== undefined && hasProjects) return { config: root, rootDir, isOfRoot: true };
  const config = readCastoffConfig(projectConfig.testEnvironmentOptions);
  return { config, rootDir: projectConfig.rootDir, isOfRoot: false };
}
