import { setVariable } from '../core/environment';
import { resolveSettings } from '../runner/options';
import { closeMainRun, holdWhileDying, openMainRun } from '../runner/main-run';
import { writeRunConfig } from './castoff-config';
import { currentJestRun, setJestRun, type JestRun } from './jest-run';
import { isOfOwnHook, isOutsideHook, runOwnHook } from './own-hooks';
import { isOwnModule, ownModules } from './own-modules';
import { checkProjects } from './projects';
import { replacedError } from './replaced-error';
import { findRunConfig } from './run-config';
import type { GlobalConfig, ProjectConfig } from './user-jest';

/**
 * Jest's `globalSetup`: opens the run, and runs the user's `globalSetup` in it. It sends no request to an
 * engine. With several projects, each has its own hook, and the first opens the run. If a user's setup
 * throws, the run is closed, because Jest runs no teardown then.
 *
 * @param path - Path of the hook file that Jest called.
 * @throws CastoffError `CONFIG_INVALID` when the config replaces castoff's teardown, runner or environment,
 * or has an invalid option; errors of the user's setup.
 */
export default async function setup(
  globalConfig: GlobalConfig,
  projectConfig: ProjectConfig,
  path: string = ownModules.globalSetup,
): Promise<void> {
  const teardowns = [projectConfig, globalConfig]
    .map(({ globalTeardown }) => globalTeardown ?? '')
    .filter((file) => isOwnModule('globalTeardown', file));
  // A `globalTeardown` beside the preset replaces castoff's, and the run would have no verdict.
  if (teardowns.length === 0) throw replacedError('teardown', 'globalTeardown');
  const open = currentJestRun();
  const isNewRun = open === undefined || open.setups.has(path);
  const run = isNewRun ? await enterRun(globalConfig, projectConfig) : open;
  run.setups.add(path);
  for (const teardown of teardowns) run.teardowns.add(teardown);
  try {
    await runOwnHook('globalSetup', path, { globalConfig, projectConfig, ownHooks: run.ownHooks });
  } catch (error) {
    await holdWhileDying(run);
    setJestRun(undefined);
    await closeFailedRun(run);
    throw error;
  }
}

async function enterRun(globalConfig: GlobalConfig, projectConfig: ProjectConfig): Promise<JestRun> {
  const runConfig = findRunConfig(globalConfig, projectConfig);
  const { config, isOfRoot } = runConfig;
  const settings = resolveSettings(config, process.env);
  const { outsideSetups, hasOutsideHooks } = await checkProjects(globalConfig, projectConfig, isOfRoot);
  const isOutside = hasOutsideHooks ? isOutsideHook : undefined;
  const main = await openMainRun(settings, { isOutside, isOfRun: isOfOwnHook });
  setVariable('CASTOFF_RUN_CONFIG', writeRunConfig(config, isOfRoot));
  const hooks = { setups: new Set<string>(), teardowns: new Set<string>(), ownHooks: new Set<string>() };
  const run = { ...main, ...hooks, runConfig, outsideSetups, failures: [] };
  setJestRun(run);
  return run;
}

/** Closes the run of a failed setup, and prints what became of its resources. Jest shows the error. */
async function closeFailedRun(jestRun: JestRun): Promise<void> {
  const { reportRun } = await import('../runner/report-run.ts');
  const { verdict, kept } = await closeMainRun(jestRun, {
    ...jestRun.run.settings,
    leaks: 'off',
    handles: 'off',
  });
  setVariable('CASTOFF_RUN_CONFIG', undefined);
  await reportRun(verdict, kept, { isSilent: true });
}
