import { join } from 'node:path';
import { copyFixture, ownModules } from './fixture-project';
import { startRunner, type RunnerEnd, type RunnerRun } from './runner-run';

/** The newest and the oldest major version of Vitest that castoff supports. */
export type VitestVersion = '4' | '3';

const vitests = {
  '4': join(ownModules, 'vitest'),
  '3': join(__dirname, '../fixtures/vitest-3/node_modules/vitest'),
};

/** Returns the packages of a user's project, except castoff. */
export function packagesOf(vitest: VitestVersion): Readonly<Record<string, string>> {
  const own = ['dockerode', 'jsdom', 'testcontainers'].map((name) => [name, join(ownModules, name)]);
  return { ...(Object.fromEntries(own) as Record<string, string>), vitest: vitests[vitest] };
}

/** How to start Vitest. */
export interface VitestRunOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Default: the newest. */
  readonly vitest?: VitestVersion;
  /** Files to add to the fixture, or to replace in it: path → text. */
  readonly files?: Readonly<Record<string, string>>;
  /** Runs in the project of this run instead of a new copy. This run must be closed last. */
  readonly beside?: RunnerRun;
  /** Whether Vitest watches for changes. Default: it runs once. */
  readonly isWatching?: boolean;
}

/** Starts Vitest in a copy of spec/fixtures/vitest/<project>. The caller closes the run. */
export async function startVitest(project: string, options: VitestRunOptions = {}): Promise<RunnerRun> {
  const { args = [], env, vitest = '4', files = {}, beside, isWatching = false } = options;
  const { folder, remove } = beside
    ? { folder: beside.folder, remove: () => Promise.resolve() }
    : await copyFixture(`vitest/${project}`, { files, packages: packagesOf(vitest) });
  const command = [join(folder, 'node_modules/vitest/vitest.mjs'), isWatching ? 'watch' : 'run'];
  return startRunner({
    folder,
    remove,
    args: [...command, '--testTimeout=60000', '--hookTimeout=60000', ...args],
    env: { NO_COLOR: '1', CASTOFF_REPORT_FILE: 'report.json', ...env },
    workerCommand: 'vitest',
  });
}

/** Runs Vitest to its end. `left` lists the resources of the run that are still on the engine. */
export async function runVitest(
  project: string,
  options: VitestRunOptions = {},
): Promise<RunnerEnd & { readonly left: readonly string[]; readonly verdict: Record<string, unknown> }> {
  const run = await startVitest(project, options);
  try {
    const end = await run.ended;
    return { ...end, left: await run.resources(), verdict: await run.report() };
  } finally {
    await run.close();
  }
}
