import { randomBytes } from 'node:crypto';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compileCacheFolder } from './compile-cache';
import { copyProject, type JestVersion } from './jest-project';
import { removeResourcesOfRun, resourcesOfRun } from './jest-run-resources';
import { readProc } from './proc';
import { childrenOf, membersOf } from './process-children';

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
export interface JestEnd {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly durationMs: number;
}

/** A running Jest in a fixture project, in its own process group. */
export interface JestRun {
  /** Value of CASTOFF_SPEC_RUN, which fixtures use to label their resources. */
  readonly id: string;
  readonly folder: string;
  readonly pid: number;
  /** Returns standard output and standard error so far. */
  output(): string;
  /** Types keys, for --watch with `nodeArgs: asTerminal`. */
  type(keys: string): void;
  /** Returns the pids of its worker processes. */
  workers(): readonly number[];
  kill(signal: NodeJS.Signals): void;
  /** Signals Jest and its workers, as Ctrl-C in a terminal does. */
  killGroup(signal: NodeJS.Signals): void;
  readonly ended: Promise<JestEnd>;
  /** Resolves to the titles of its resources on the engine, without reapers. */
  resources(): Promise<readonly string[]>;
  /** Resolves to the JSON report, if `env` has CASTOFF_REPORT_FILE=report.json. */
  report(): Promise<Record<string, unknown>>;
  /** Kills it, and removes its folder and its resources. */
  close(): Promise<void>;
}

/** Arguments of Node.js that make Jest treat its standard input as a terminal. */
export const asTerminal = ['--require', join(__dirname, '../fixtures/jest/as-terminal.cjs')];

/** Starts Jest in a copy of spec/fixtures/jest/<project>. The caller closes the run. */
export async function startJest(project: string, options: JestRunOptions = {}): Promise<JestRun> {
  const { args = [], env = {}, nodeArgs = [], jest = '30', files = {}, beside, cwd = '.' } = options;
  const { modules = {}, node = process.execPath } = options;
  const { folder, remove } = beside
    ? { folder: beside.folder, remove: () => Promise.resolve() }
    : await copyProject(project, { jest, files, modules });
  const jestBin = join(folder, 'node_modules/jest/bin/jest.js');
  const id = `castoff-spec-run-${randomBytes(6).toString('hex')}`;
  const startedAt = performance.now();
  const defaultArgs = ['--cacheDirectory', join(folder, 'cache'), ...(await timeoutArgs(folder))];
  const child = spawn(node, [...nodeArgs, jestBin, ...defaultArgs, ...args], {
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
    resources: () => resourcesOfRun(id),
    report: () => readReport(join(folder, 'report.json'), texts.both),
    async close() {
      const hasExited = child.exitCode !== null || child.signalCode !== null;
      endGroup(pid, hasExited ? id : undefined);
      await ended;
      await removeResourcesOfRun(id);
      await remove();
    },
  };
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

async function readReport(path: string, output: string): Promise<Record<string, unknown>> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new Error(`read the report: Jest wrote none:\n${output}`, { cause });
  }
}

/**
 * Returns this process's environment, without the variables of its own Jest, CI system or user that affect a
 * run.
 */
function plainEnvironment(): NodeJS.ProcessEnv {
  const isExcluded = (name: string): boolean =>
    /^(CASTOFF_|JEST_|GITHUB_|CI$|NODE_OPTIONS$|NO_COLOR$)/.test(name);
  const rest = Object.entries(process.env).filter(([name]) => !isExcluded(name));
  return {
    ...Object.fromEntries(rest),
    FORCE_COLOR: '0',
    CASTOFF_SWEEP: 'off',
    CASTOFF_REAPER: 'process',
    // After a crash, a reaper would watch for another minute.
    CASTOFF_REAPER_WATCH: '0',
    TESTCONTAINERS_HOST_OVERRIDE: 'localhost',
  };
}

/**
 * Kills the processes of a run's group.
 *
 * @param exitedRun - Value of CASTOFF_SPEC_RUN, if the group's leader has exited: its pid may then be that of
 * another process, and only processes with this value are killed.
 */
function endGroup(pid: number, exitedRun: string | undefined): void {
  const left =
    exitedRun === undefined ? [-pid] : membersOf(pid).filter((member) => isOfRun(member, exitedRun));
  for (const target of left) {
    try {
      process.kill(target, 'SIGKILL');
    } catch {
      // ESRCH: it has ended.
    }
  }
}

function isOfRun(pid: number, run: string): boolean {
  return readProc(pid, 'environ').split('\0').includes(`CASTOFF_SPEC_RUN=${run}`);
}
