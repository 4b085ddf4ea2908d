import { resolve } from 'node:path';
import { setVariable } from '../core/environment';
import { messageOf } from '../core/errors';
import { print } from '../core/print';
import { watchExit } from '../runner/watch-exit';
import { closeMainRun, holdWhileDying } from '../runner/main-run';
import { reportRun, verdictError } from '../runner/report-run';
import type { Verdict } from '../verdict/verdict';
import { currentJestRun, setJestRun, type JestRun } from './jest-run';
import { runOwnHook } from './own-hooks';
import { ownModules } from './own-modules';
import { reportOutsideSetups } from './projects';
import { replaceRootDir, type GlobalConfig, type ProjectConfig } from './user-jest';

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
  const main = currentJestRun();
  if (main === undefined) return;
  await holdWhileDying(main);
  const { teardowns, ownHooks, failures } = main;
  const recordFailure = (error: unknown): void => void failures.push(error);
  await runOwnHook('globalTeardown', path, { globalConfig, projectConfig, ownHooks }).catch(recordFailure);
  teardowns.delete(path);
  if (teardowns.size > 0) return;
  setJestRun(undefined);
  reportOutsideSetups(main);
  await closeAndReport(main, globalConfig).catch(recordFailure);
  endWatch(main, globalConfig);
  if (failures.length === 0) return;
  const [first, ...others] = failures;
  for (const error of others) print(messageOf(error));
  throw first;
}

async function closeAndReport(jestRun: JestRun, globalConfig: GlobalConfig): Promise<void> {
  const { settings } = jestRun.run;
  const { rootDir } = jestRun.runConfig;
  const file = settings.reportFile;
  const { verdict, kept } = await closeMainRun(jestRun, settings);
  setVariable('CASTOFF_RUN_CONFIG', undefined);
  await holdWhileDying(jestRun);
  await reportRun(verdict, kept, {
    reportFile: file && resolve(rootDir, replaceRootDir(file, rootDir)),
    isSilent: globalConfig.silent === true || globalConfig.json === true,
  });
  failRun(verdict, globalConfig);
}

/** Watches the exit of the process, which in watch mode waits for the next run. */
function endWatch({ run, handles }: JestRun, { watch, watchAll }: GlobalConfig): void {
  if (watch === true || watchAll === true) handles?.stop();
  else watchExit(handles, run.settings);
}

/**
 * Makes Jest exit with code 1 for a failed run by throwing in its teardown. Jest then skips the rest of its
 * work: so with `--json` this sets the exit code only, and in watch mode it does nothing.
 */
function failRun(verdict: Verdict, globalConfig: GlobalConfig): void {
  const { json, outputFile, testResultsProcessor, watch, watchAll } = globalConfig;
  const error = verdictError(verdict);
  if (error === undefined || watch === true || watchAll === true) return;
  if (json !== true && outputFile == null && testResultsProcessor == null) throw error;
  process.once('exit', () => {
    process.exitCode ||= 1;
  });
}
