import { setVariable } from '../core/environment';
import { openRun } from '../run/run';
import { watchSignals } from '../run/run-signals';
import { writeRunConfig } from './castoff-config';
import type { GlobalConfig, ProjectConfig } from './global-hook';
import { holdWhileDying } from './hold-while-dying';
import { HookRounds } from './hook-rounds';
import { attachMainProcess } from './main-process';
import { mainRun, setMainRun, type MainRun } from './main-run';
import { isOwnModule, ownModules } from './own-modules';
import { checkProjects } from './projects';
import { replacedError } from './replaced-error';
import { findRunConfig } from './run-config';
import { runOwnHook } from './run-own-hook';
import { resolveSettings } from '../runner/options';

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
  const open = mainRun();
  const main =
    open === undefined || open.hooks.hasRun(path) ? await enterRun(globalConfig, projectConfig) : open;
  main.hooks.recordSetup(path, teardowns);
  try {
    await runOwnHook('globalSetup', path, { globalConfig, projectConfig, hooks: main.hooks });
  } catch (error) {
    await holdWhileDying(main);
    setMainRun(undefined);
    await closeFailedRun(main);
    throw error;
  }
}

async function enterRun(globalConfig: GlobalConfig, projectConfig: ProjectConfig): Promise<MainRun> {
  const runConfig = findRunConfig(globalConfig, projectConfig);
  const { config, isOfRoot } = runConfig;
  const settings = resolveSettings(config, process.env);
  const { outsideHooks, outsideSetups } = await checkProjects(globalConfig, projectConfig, isOfRoot);
  const run = await openRun(settings);
  setVariable('CASTOFF_RUN', run.address);
  setVariable('CASTOFF_RUN_CONFIG', writeRunConfig(config, isOfRoot));
  try {
    const detach = attachMainProcess(run, { hasOutsideHooks: outsideHooks.length > 0 });
    const signals = watchSignals(run);
    const main = {
      run,
      runConfig,
      hooks: new HookRounds(),
      outsideSetups,
      failures: [],
      detach,
      signals,
    };
    setMainRun(main);
    return main;
  } catch (error) {
    await run.close();
    throw error;
  }
}

/**
 * Closes the run of a failed setup, and prints what became of its resources. Jest shows the setup's error.
 */
async function closeFailedRun(main: MainRun): Promise<void> {
  const { endRun } = await import('./end-run.ts');
  const { printVerdict } = await import('../runner/print-verdict.ts');
  const { verdict, kept } = await endRun(main, { ...main.run.settings, leaks: 'off' });
  await printVerdict(verdict, kept, process.env);
}
