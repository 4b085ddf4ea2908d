import { resolve } from 'node:path';
import { print } from '../core/print';
import { messageOf } from '../core/errors';
import { endRun } from './end-run';
import { failRun } from './fail-run';
import type { GlobalConfig, ProjectConfig } from './global-hook';
import { mainRun, setMainRun, type MainRun } from './main-run';
import { ownModules } from './own-modules';
import { reportOutsideSetups } from './outside-setups';
import { replaceRootDir } from './resolve-module';
import type { RunConfig } from './run-config';
import { runOwnHook } from './run-own-hook';
import { printVerdict, writeReport } from '../runner/print-verdict';

/**
 * Jest's `globalTeardown`: runs the user's own. The last one of the run's projects closes the run, and gives the verdict.
 *
 * @param path - The file that Jest has called.
 * @throws what the users' own threw, when the run is closed; CastoffError `LEAKS_FOUND` where `leaks` is `fail`, and `CLEANUP_FAILED`
 * when something could not be removed, whatever `leaks` is.
 */
export default async function teardown(
  globalConfig: GlobalConfig,
  projectConfig: ProjectConfig,
  path: string = ownModules.globalTeardown,
): Promise<void> {
  const main = mainRun();
  if (main === undefined) return;
  const { hooks, failures } = main;
  const note = (error: unknown): void => void failures.push(error);
  await runOwnHook('globalTeardown', path, { globalConfig, projectConfig, hooks }).catch(note);
  if (!hooks.end(path)) return;
  setMainRun(undefined);
  reportOutsideSetups(main);
  await closeAndTell(main, globalConfig).catch(note);
  if (failures.length === 0) return;
  const [first, ...others] = failures;
  for (const error of others) print(messageOf(error));
  throw first;
}

async function closeAndTell(main: MainRun, globalConfig: GlobalConfig): Promise<void> {
  const { settings } = main.run;
  const { verdict, kept } = await endRun(main, settings);
  printVerdict(verdict, kept, process.env);
  if (settings.reportFile !== undefined)
    await writeReport(verdict, reportPath(settings.reportFile, main.runConfig));
  if (verdict.isFailure) failRun(verdict, globalConfig);
}

function reportPath(file: string, { rootDir }: RunConfig): string {
  return resolve(rootDir, replaceRootDir(file, rootDir));
}
