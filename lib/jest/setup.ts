import { openRun } from '../run/run';
import { watchSignals } from '../run/run-signals';
import { runConfigVariable, writeRunConfig } from './castoff-config';
import type { GlobalConfig, ProjectConfig } from './global-hook';
import { HookRounds } from './hook-rounds';
import { enterMain } from './main-process';
import { mainRun, setMainRun, type MainRun } from './main-run';
import { isOwnModule, ownModules } from './own-modules';
import { checkProjects } from './projects';
import { replacedError } from './replaced-error';
import { findRunConfig } from './run-config';
import { runOwnHook } from './run-own-hook';
import { resolveSettings } from '../runner/options';

/**
 * Jest's `globalSetup`: opens the run, and runs the user's own `globalSetup` within it. An engine is not asked for anything
 * before something needs one. Of several projects each has a hook of its own; the first opens the run. Where one throws, the run is
 * closed: Jest runs no teardown then.
 *
 * @param path - The file that Jest has called.
 * @throws CastoffError `CONFIG_INVALID` when castoff's teardown, runner or environment was replaced, or an option cannot be used; what
 * the user's own throws.
 */
export default async function setup(
  globalConfig: GlobalConfig,
  projectConfig: ProjectConfig,
  path: string = ownModules.globalSetup,
): Promise<void> {
  const teardowns = [projectConfig, globalConfig]
    .map(({ globalTeardown }) => globalTeardown ?? '')
    .filter((file) => isOwnModule('globalTeardown', file));
  // A `globalTeardown` beside the preset takes the place of castoff's, and no verdict would be given.
  if (teardowns.length === 0) throw replacedError('teardown', 'globalTeardown');
  const open = mainRun();
  const main =
    open === undefined || open.hooks.hasRun(path) ? await enterRun(globalConfig, projectConfig) : open;
  main.hooks.begin(path, teardowns);
  try {
    await runOwnHook('globalSetup', path, { globalConfig, projectConfig, hooks: main.hooks });
  } catch (error) {
    setMainRun(undefined);
    await undo(main);
    throw error;
  }
}

async function enterRun(globalConfig: GlobalConfig, projectConfig: ProjectConfig): Promise<MainRun> {
  const runConfig = findRunConfig(globalConfig, projectConfig);
  const { config, isOfRoot } = runConfig;
  const settings = resolveSettings(config, process.env);
  const { outsideHooks, outsideSetups } = await checkProjects(globalConfig, projectConfig, isOfRoot);
  const run = await openRun(settings);
  process.env['CASTOFF_RUN'] = run.address;
  process.env[runConfigVariable] = writeRunConfig(config, isOfRoot);
  try {
    const leave = enterMain(run, { hasOutsideHooks: outsideHooks.length > 0 });
    const unwatchSignals = watchSignals(run);
    const main = {
      run,
      runConfig,
      hooks: new HookRounds(),
      outsideSetups,
      failures: [],
      leave,
      unwatchSignals,
    };
    setMainRun(main);
    return main;
  } catch (error) {
    await run.close();
    throw error;
  }
}

/** The error that brought it here is what Jest is to show; what could not be cleaned is said beside it. */
async function undo(main: MainRun): Promise<void> {
  const { endRun } = await import('./end-run.ts');
  const { printVerdict } = await import('../runner/print-verdict.ts');
  const { verdict, kept } = await endRun(main, { ...main.run.settings, leaks: 'off' });
  if (verdict.isFailure) printVerdict(verdict, kept, process.env);
}
