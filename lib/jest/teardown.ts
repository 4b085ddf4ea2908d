import { resolve } from 'node:path';
import { print } from '../core/print';
import { messageOf } from '../core/errors';
import { endRun } from './end-run';
import { failRun } from './fail-run';
import type { GlobalConfig, ProjectConfig } from './global-hook';
import { holdWhileDying } from './hold-while-dying';
import { mainRun, setMainRun, type MainRun } from './main-run';
import { ownModules } from './own-modules';
import { reportOutsideSetups } from './outside-setups';
import { reportQuietRun } from './quiet-run';
import { replaceRootDir } from './resolve-module';
import type { RunConfig } from './run-config';
import { runOwnHook } from './run-own-hook';
import { printVerdict, writeReport } from '../runner/print-verdict';

/**
 * Jest's `globalTeardown`: runs the user's `globalTeardown`. The last one of the run closes the run and
 * prints the verdict.
 *
 * @param path - Path of the hook file that Jest called.
 * @throws errors of the user's teardowns, after the run is closed; CastoffError `LEAKS_FOUND` for leaks if
 * `leaks` is `fail`; `CLEANUP_FAILED` when a resource could not be removed.
 */
export default async function teardown(
  globalConfig: GlobalConfig,
  projectConfig: ProjectConfig,
  path: string = ownModules.globalTeardown,
): Promise<void> {
  const main = mainRun();
  if (main === undefined) return;
  await holdWhileDying(main);
  const { hooks, failures } = main;
  const recordFailure = (error: unknown): void => void failures.push(error);
  await runOwnHook('globalTeardown', path, { globalConfig, projectConfig, hooks }).catch(recordFailure);
  if (!hooks.recordTeardown(path)) return;
  setMainRun(undefined);
  reportOutsideSetups(main);
  await closeAndReport(main, globalConfig).catch(recordFailure);
  if (failures.length === 0) return;
  const [first, ...others] = failures;
  for (const error of others) print(messageOf(error));
  throw first;
}

async function closeAndReport(main: MainRun, globalConfig: GlobalConfig): Promise<void> {
  const { settings } = main.run;
  const { verdict, kept } = await endRun(main, settings);
  await holdWhileDying(main);
  await printVerdict(verdict, kept, process.env);
  reportQuietRun(verdict, globalConfig);
  if (settings.reportFile !== undefined)
    await writeReport(verdict, reportPath(settings.reportFile, main.runConfig));
  if (verdict.isFailure) failRun(verdict, globalConfig);
}

function reportPath(file: string, { rootDir }: RunConfig): string {
  return resolve(rootDir, replaceRootDir(file, rootDir));
}
