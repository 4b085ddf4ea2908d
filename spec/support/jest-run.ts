import { randomBytes } from 'node:crypto';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compileCacheFolder } from './compile-cache';
import { copyProject, type JestVersion } from './jest-project';
import { removeThingsOfRun, thingsOfRun } from './jest-run-things';
import { childrenOf } from './process-children';

export interface JestRunOptions {
  readonly args?: readonly string[];
  /** Beside this process's own, without what castoff or a CI system is told by it. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default: the newest. */
  readonly jest?: JestVersion;
  /** Folders of packages that are installed in other versions than ours: name → path. */
  readonly modules?: Readonly<Record<string, string>>;
  /** The `node` command. Default: this process's own. */
  readonly node?: string;
  /** Node's own arguments. */
  readonly nodeArgs?: readonly string[];
  /** Files of the project that are not as in the fixture: path → text. */
  readonly files?: Readonly<Record<string, string>>;
  /** The folder of the project in which Jest is started. Default: its root. */
  readonly cwd?: string;
  /** The project of this run, which is closed later, instead of a copy of its own. */
  readonly beside?: JestRun;
}

export interface JestEnd {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly durationMs: number;
}

/** A real Jest on a fixture project, in a process group of its own. */
export interface JestRun {
  /** Fixtures find it as CASTOFF_SPEC_RUN, and label with it what castoff would not. */
  readonly id: string;
  readonly folder: string;
  readonly pid: number;
  /** What it has written so far, on both. */
  output(): string;
  /** As keys on its terminal: for --watch, where `nodeArgs` are `asTerminal`. */
  type(keys: string): void;
  /** The pids of its worker processes. */
  workers(): readonly number[];
  kill(signal: NodeJS.Signals): void;
  /** As Ctrl-C in a terminal does: Jest and its workers get it. */
  killGroup(signal: NodeJS.Signals): void;
  readonly ended: Promise<JestEnd>;
  /** What is on the engine of it, but for reapers. */
  things(): Promise<readonly string[]>;
  /** The verdict as JSON, where `env` has CASTOFF_REPORT_FILE=report.json. */
  report(): Promise<Record<string, unknown>>;
  /** Ends it, and removes its folder and what it left on the engine. */
  close(): Promise<void>;
}

/** Node's arguments with which Jest takes its standard input for a terminal's. */
export const asTerminal = ['--require', join(__dirname, '../fixtures/jest/as-terminal.cjs')];

/** Starts Jest on a copy of spec/fixtures/jest/`project`; `close()` it. */
export async function startJest(project: string, options: JestRunOptions = {}): Promise<JestRun> {
  const { args = [], env = {}, nodeArgs = [], jest = '30', files = {}, beside, cwd = '.' } = options;
  const { modules = {}, node = process.execPath } = options;
  const { folder, remove } = beside
    ? { folder: beside.folder, remove: () => Promise.resolve() }
    : await copyProject(project, { jest, files, modules });
  const jestBin = join(folder, 'node_modules/jest/bin/jest.js');
  const id = `castoff-spec-run-${randomBytes(6).toString('hex')}`;
  const startedAt = performance.now();
  const own = ['--cacheDirectory', join(folder, 'cache'), ...(await timeoutArgs(folder))];
  const child = spawn(node, [...nodeArgs, jestBin, ...own, ...args], {
    cwd: join(folder, cwd),
    env: {
      ...plainEnvironment(),
      NODE_COMPILE_CACHE: compileCacheFolder(),
      CASTOFF_SPEC_RUN: id,
      GITHUB_RUN_ID: id,
      ...env,
    },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const pid = child.pid ?? 0;
  const texts = { stdout: '', stderr: '', both: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      texts[name] += chunk;
      texts.both += chunk;
    });
  }
  const ended = once(child, 'close').then(([exitCode, signal]): JestEnd => {
    const { stdout, stderr } = texts;
    return { exitCode, signal, stdout, stderr, durationMs: performance.now() - startedAt };
  });
  return {
    id,
    folder,
    pid,
    output: () => texts.both,
    type: (keys) => void child.stdin.write(keys),
    workers: () =>
      childrenOf(pid)
        .filter(({ command }) => command.includes('processChild'))
        .map((of) => of.pid),
    kill: (signal) => void process.kill(pid, signal),
    killGroup: (signal) => void process.kill(-pid, signal),
    ended,
    things: () => thingsOfRun(id),
    report: () => readReport(join(folder, 'report.json'), texts.both),
    async close() {
      endGroup(pid);
      await ended;
      await removeThingsOfRun(id);
      await remove();
    },
  };
}

/** Runs Jest to its end, and looks at the engine: `left` is what is there of the run. */
export async function runJest(
  project: string,
  options: JestRunOptions = {},
): Promise<JestEnd & { readonly left: readonly string[] }> {
  const run = await startJest(project, options);
  try {
    const end = await run.ended;
    return { ...end, left: await run.things() };
  } finally {
    await run.close();
  }
}

/** A busy machine must not decide how a fixture's tests end: Jest's own limit is 5 s. */
async function timeoutArgs(folder: string): Promise<readonly string[]> {
  const path = join(folder, 'jest.config.js');
  const config = existsSync(path) ? await readFile(path, 'utf8') : '';
  return config.includes('testTimeout') ? [] : ['--testTimeout', '60000'];
}

async function readReport(path: string, output: string): Promise<Record<string, unknown>> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new Error(`Jest has written no report:\n${output}`, { cause });
  }
}

/** Whatever this process's own Jest, CI system or user has told it stays here. */
function plainEnvironment(): NodeJS.ProcessEnv {
  const isOwn = (name: string): boolean => /^(CASTOFF_|JEST_|GITHUB_|CI$|NODE_OPTIONS$|NO_COLOR$)/.test(name);
  const rest = Object.entries(process.env).filter(([name]) => !isOwn(name));
  return {
    ...Object.fromEntries(rest),
    FORCE_COLOR: '0',
    CASTOFF_SWEEP: 'off',
    CASTOFF_REAPER: 'process',
    // After a crash it would look again for a minute.
    CASTOFF_REAPER_WATCH: '0',
    TESTCONTAINERS_HOST_OVERRIDE: 'localhost',
  };
}

function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // ESRCH: all of it has ended.
  }
}
