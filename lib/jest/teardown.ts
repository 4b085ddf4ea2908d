import { messageOf } from '../core/errors';
import { endRun } from './end-run';
import { failRun } from './fail-run';
import { loadGlobalHook, type GlobalConfig, type ProjectConfig } from './global-hook';
import { takeMainRun, type MainRun } from './main-run';
import { tellVerdict, writeReport } from './tell-verdict';

/**
 * Jest's `globalTeardown`: runs the user's own, closes the run, and gives the verdict.
 *
 * @throws what the user's threw; CastoffError `LEAKS_FOUND` where `leaks` is `fail`, and `CLEANUP_FAILED` when something could not be
 * removed, whatever `leaks` is.
 */
export default async function teardown(
  globalConfig: GlobalConfig,
  projectConfig: ProjectConfig,
): Promise<void> {
  const main = takeMainRun();
  if (main === undefined) return;
  const failures: unknown[] = [];
  const note = (error: unknown): void => void failures.push(error);
  await runOwn(main, globalConfig, projectConfig).catch(note);
  await closeAndTell(main, globalConfig).catch(note);
  if (failures.length === 0) return;
  const [first, ...others] = failures;
  for (const error of others) process.stderr.write(`castoff: ${messageOf(error)}\n`);
  throw first;
}

async function runOwn(
  { runConfig: { config, rootDir } }: MainRun,
  globalConfig: GlobalConfig,
  projectConfig: ProjectConfig,
): Promise<void> {
  if (config.globalTeardown === undefined) return;
  const { moduleFileExtensions } = projectConfig;
  const hook = await loadGlobalHook('globalTeardown', config.globalTeardown, {
    rootDir,
    moduleFileExtensions,
  });
  await hook(globalConfig, projectConfig);
}

async function closeAndTell(main: MainRun, globalConfig: GlobalConfig): Promise<void> {
  const { settings } = main.run;
  const { verdict, kept } = await endRun(main, settings);
  tellVerdict(verdict, kept, process.env);
  if (settings.reportFile !== undefined)
    await writeReport(verdict, settings.reportFile, main.runConfig.rootDir);
  if (verdict.isFailure) failRun(verdict, globalConfig);
}
