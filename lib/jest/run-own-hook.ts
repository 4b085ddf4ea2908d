import { readCastoffConfig, type CastoffConfig } from './castoff-config';
import { loadGlobalHook, type GlobalConfig, type ProjectConfig } from './global-hook';
import { identify } from './hook-files';
import type { HookRounds } from './hook-rounds';
import { withinOwnHook } from './main-process';
import { rootConfig } from './root-config';

/**
 * Runs the user's own hook of the config for which Jest has called castoff's at `path`: once, however many configs name it.
 *
 * @throws what it throws; CastoffError `CONFIG_INVALID` when it cannot be loaded.
 */
export async function runOwnHook(
  option: 'globalSetup' | 'globalTeardown',
  path: string,
  { globalConfig, projectConfig, hooks }: CalledHook,
): Promise<void> {
  const { config, rootDir } = configAt(option, path, globalConfig, projectConfig);
  const name = config[option];
  if (name === undefined || !hooks.takeOwn(`${option} ${identify(name, rootDir)}`)) return;
  const { moduleFileExtensions } = projectConfig;
  await withinOwnHook(async () => {
    const hook = await loadGlobalHook(option, name, { rootDir, moduleFileExtensions });
    await hook(globalConfig, projectConfig);
  });
}

interface CalledHook {
  readonly globalConfig: GlobalConfig;
  readonly projectConfig: ProjectConfig;
  readonly hooks: HookRounds;
}

/** Jest hands a project's config to the root's hook as well: the first one's. */
function configAt(
  option: 'globalSetup' | 'globalTeardown',
  path: string,
  globalConfig: GlobalConfig,
  projectConfig: ProjectConfig,
): { readonly config: CastoffConfig; readonly rootDir: string } {
  return projectConfig[option] === path
    ? { config: readCastoffConfig(projectConfig.testEnvironmentOptions), rootDir: projectConfig.rootDir }
    : { config: rootConfig() ?? {}, rootDir: globalConfig.rootDir };
}
