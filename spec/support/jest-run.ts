import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { copyProject, type JestVersion } from './jest-project';
import { startRunner, type RunnerEnd, type RunnerRun } from './runner-run';

/** How to start Jest. */
export interface JestRunOptions {
  readonly args?: readonly string[];
  /** Variables in addition to this process's own, without those that castoff or a CI system reads. */
  readonly env?: Readonly<Record<string, string>>;
  /** Major version of Jest. Default: the newest. */
  readonly jest?: JestVersion;
  /** Folders of packages to install in other versions than ours: name → path. */
  readonly modules?: Readonly<Record<string, string>>;
  /** The `node` command. Default: this process's own. */
  readonly node?: string;
  /** Arguments of Node.js. */
  readonly nodeArgs?: readonly string[];
  /** Files to add to the fixture, or to replace in it: path → text. */
  readonly files?: Readonly<Record<string, string>>;
  /** Folder of the project to start Jest in. Default: its root. */
  readonly cwd?: string;
  /** Runs in the project of this run instead of a new copy. This run must be closed last. */
  readonly beside?: JestRun;
}

/** The result of a run of Jest. */
export type JestEnd = RunnerEnd;

/** A running Jest in a fixture project, in its own process group. */
export type JestRun = RunnerRun;

/** Arguments of Node.js that make Jest treat its standard input as a terminal. */
export const asTerminal = ['--require', join(__dirname, '../fixtures/jest/as-terminal.cjs')];

/** Starts Jest in a copy of spec/fixtures/jest/<project>. The caller closes the run. */
export async function startJest(project: string, options: JestRunOptions = {}): Promise<JestRun> {
  const { args = [], env = {}, nodeArgs = [], jest = '30', files = {}, beside, cwd = '.' } = options;
  const { modules = {}, node } = options;
  const { folder, remove } = beside
    ? { folder: beside.folder, remove: () => Promise.resolve() }
    : await copyProject(project, { jest, files, modules });
  const jestBin = join(folder, 'node_modules/jest/bin/jest.js');
  const defaultArgs = ['--cacheDirectory', join(folder, 'cache'), ...(await timeoutArgs(folder))];
  return startRunner({
    folder,
    remove,
    cwd: join(folder, cwd),
    node,
    args: [...nodeArgs, jestBin, ...defaultArgs, ...args],
    env,
    workerCommand: 'processChild',
  });
}

/** Runs Jest to its end. `left` lists the resources of the run that are still on the engine. */
export async function runJest(
  project: string,
  options: JestRunOptions = {},
): Promise<JestEnd & { readonly left: readonly string[] }> {
  const run = await startJest(project, options);
  try {
    const end = await run.ended;
    return { ...end, left: await run.resources() };
  } finally {
    await run.close();
  }
}

/** Raises Jest's test timeout of 5 s, which a busy machine may exceed, unless the config sets it. */
async function timeoutArgs(folder: string): Promise<readonly string[]> {
  const path = join(folder, 'jest.config.js');
  const config = existsSync(path) ? await readFile(path, 'utf8') : '';
  return config.includes('testTimeout') ? [] : ['--testTimeout', '60000'];
}
