import { readCastoffConfig, type CastoffConfig } from './castoff-config';
import { loadGlobalHook, type GlobalConfig, type ProjectConfig } from './global-hook';
import { identify } from './hook-files';
import type { HookRounds } from './hook-rounds';
import { withinOwnHook } from './main-process';
import { rootConfig } from './root-config';

/**
 * Runs the user's hook that belongs to castoff's hook at `path`. It runs once per run, even if several
 * configs name it.
 *
 * @throws CastoffError `CONFIG_INVALID` when it cannot be loaded; errors of the hook itself.
 */
export async function runOwnHook(
  option: 'globalSetup' | 'globalTeardown',
  path: string,
  { globalConfig, projectConfig, hooks }: CalledHook,
): Promise<void> {
  const { config, rootDir } = configAt(option, path, globalConfig, projectConfig);
  const name = config[option];
  if (name === undefined || !hooks.takeOwnHook(`${option} ${identify(name, rootDir)}`)) return;
  const { moduleFileExtensions } = projectConfig;
  await withinOwnHook(async () => {
    const hook = await loadGlobalHook(option, name, { rootDir, moduleFileExtensions });
    await hook(globalConfig, projectConfig);
  });
}

/** The call of castoff's hook by Jest. */
interface CalledHook {
  readonly globalConfig: GlobalConfig;
  readonly projectConfig: ProjectConfig;
  readonly hooks: HookRounds;
}

/** Returns the config of the hook at `path`. Jest passes the root's hook the config of the first project. */
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
