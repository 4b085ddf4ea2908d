import { openRun } from '../session/run';
import { watchSignals } from '../session/run-signals';
import { runConfigVariable, writeRunConfig } from './castoff-config';
import { loadGlobalHook, type GlobalConfig, type ProjectConfig } from './global-hook';
import { enterMain } from './main-process';
import { keepMainRun, type MainRun } from './main-run';
import { ownModules } from './own-modules';
import { replacedError } from './replaced-error';
import { findRunConfig, type RunConfig } from './run-config';
import { resolveSettings } from './settings';

/**
 * Jest's `globalSetup`: opens the run, and runs the user's own `globalSetup` within it. An engine is not asked for anything
 * before something needs one. Where it throws, the run is closed: Jest runs no teardown then.
 *
 * @throws CastoffError `CONFIG_INVALID` when castoff's teardown was replaced, or an option cannot be used; what the user's own throws.
 */
export default async function setup(globalConfig: GlobalConfig, projectConfig: ProjectConfig): Promise<void> {
  requireTeardown(globalConfig, projectConfig);
  const runConfig = findRunConfig(globalConfig, projectConfig);
  const main = await enterRun(runConfig);
  try {
    const { config, rootDir } = runConfig;
    if (config.globalSetup !== undefined) {
      const { moduleFileExtensions } = projectConfig;
      const hook = await loadGlobalHook('globalSetup', config.globalSetup, { rootDir, moduleFileExtensions });
      await hook(globalConfig, projectConfig);
    }
  } catch (error) {
    await undo(main);
    throw error;
  }
  keepMainRun(main);
}

/** A `globalTeardown` beside the preset takes the place of castoff's, and nobody would hear what leaked. */
function requireTeardown(...configs: readonly (GlobalConfig | ProjectConfig)[]): void {
  if (configs.some(({ globalTeardown }) => globalTeardown === ownModules.globalTeardown)) return;
  throw replacedError('teardown', 'globalTeardown');
}

async function enterRun(runConfig: RunConfig): Promise<MainRun> {
  const run = await openRun(resolveSettings(runConfig.config, process.env));
  process.env['CASTOFF_RUN'] = run.address;
  process.env[runConfigVariable] = writeRunConfig(runConfig.config, runConfig.isOfRoot);
  try {
    return { run, runConfig, leave: enterMain(run), unwatchSignals: watchSignals(run) };
  } catch (error) {
    await run.close();
    throw error;
  }
}

/** The error that brought it here is what Jest is to show; what could not be cleaned is said beside it. */
async function undo(main: MainRun): Promise<void> {
  const { endRun } = await import('./end-run.ts');
  const { tellVerdict } = await import('./tell-verdict.ts');
  const { verdict, kept } = await endRun(main, { ...main.run.settings, leaks: 'off' });
  if (verdict.isFailure) tellVerdict(verdict, kept, process.env);
}
