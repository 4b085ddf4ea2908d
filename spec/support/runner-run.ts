import { randomBytes } from 'node:crypto';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compileCacheFolder } from './compile-cache';
import { removeResourcesOfRun, resourcesOfRun } from './jest-run-resources';
import { readProc } from './proc';
import { childrenOf, membersOf } from './process-children';

/** The result of a run of a test runner. */
export interface RunnerEnd {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly durationMs: number;
}

/** A running test runner in a fixture project, in its own process group. */
export interface RunnerRun {
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
  /** Signals the runner and its workers, as Ctrl-C in a terminal does. */
  killGroup(signal: NodeJS.Signals): void;
  readonly ended: Promise<RunnerEnd>;
  /** Resolves to the titles of its resources on the engine, without reapers. */
  resources(): Promise<readonly string[]>;
  /** Resolves to the JSON report, if `env` has CASTOFF_REPORT_FILE=report.json. */
  report(): Promise<Record<string, unknown>>;
  /** Kills it, and removes its folder and its resources. */
  close(): Promise<void>;
}

/** How to start a test runner in a project. */
interface RunnerCommand {
  /** Folder of the project. */
  readonly folder: string;
  /** Removes it. */
  readonly remove: () => Promise<void>;
  /** Folder to start the runner in. Default: `folder`. */
  readonly cwd?: string | undefined;
  /** The `node` command. Default: this process's own. */
  readonly node?: string | undefined;
  readonly args: readonly string[];
  /** Variables in addition to this process's own, without those that castoff or a CI system reads. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** A part of the command lines of its workers. */
  readonly workerCommand: string;
}

/** Starts a test runner. The caller closes the run. */
export function startRunner({ folder, remove, args, env, workerCommand, ...rest }: RunnerCommand): RunnerRun {
  const { cwd = folder, node = process.execPath } = rest;
  const id = `castoff-spec-run-${randomBytes(6).toString('hex')}`;
  const startedAt = performance.now();
  const child = spawn(node, args, {
    cwd,
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
  const ended = once(child, 'close').then(([exitCode, signal]): RunnerEnd => {
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
        .filter(({ command }) => command.includes(workerCommand))
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

async function readReport(path: string, output: string): Promise<Record<string, unknown>> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new Error(`read the report: the runner wrote none:\n${output}`, { cause });
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
