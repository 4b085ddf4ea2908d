import { processWide } from '../core/global-state';
import { readCastoffConfig, type CastoffConfig } from './castoff-config';
import { isOwnModule } from './own-modules';
import type { GlobalConfig, ProjectConfig } from './user-jest';

/** The options of a run, and the folder that their paths are relative to. */
export interface RunConfig {
  readonly config: CastoffConfig;
  readonly rootDir: string;
  /** Whether they come from a wrapped root config. */
  readonly isOfRoot: boolean;
}

/** Finds the options of the run: of a wrapped root config, else of the project that Jest passes. */
export function findRunConfig(globalConfig: GlobalConfig, projectConfig: ProjectConfig): RunConfig {
  const { rootDir, globalSetup } = globalConfig;
  const root = isOwnModule('globalSetup', globalSetup) ? rootConfig() : undefined;
  if (root !== undefined && hasProjects(globalConfig)) return { config: root, rootDir, isOfRoot: true };
  return { config: readCastoffConfig(projectConfig.testEnvironmentOptions), rootDir, isOfRoot: false };
}

/** Returns whether the config lists `projects` other than itself. */
export function hasProjects({ rootDir, projects = [] }: GlobalConfig): boolean {
  return projects.length > 1 || projects.some((project) => project !== rootDir);
}

const rootHolder = (): { config?: CastoffConfig } => processWide('jest root config', () => ({}));

/** Stores the config of a root of several projects: Jest passes its global setup that of one project only. */
export function keepRootConfig(config: CastoffConfig): void {
  rootHolder().config = config;
}

/** Returns the config that {@link keepRootConfig} last stored in this process. */
export function rootConfig(): CastoffConfig | undefined {
  return rootHolder().config;
}
