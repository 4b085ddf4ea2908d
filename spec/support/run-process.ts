import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { specLabel } from './things';
import { until } from './until';
import { withTypeScript } from './with-typescript';

/** The program's report of a command. */
interface Report {
  readonly done: string;
  readonly value?: unknown;
  readonly error?: ReportedError;
}

/** An error that the program reported. */
export interface ReportedError {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  readonly code?: string;
}

/** A process in the role of a run's main process or of a worker. Disposing of it kills it. */
export interface RunProcess extends AsyncDisposable {
  readonly pid: number;
  /**
   * Runs a command in it. Resolves to the reported value; rejects with an error that carries the reported
   * one.
   */
  do<T = undefined>(command: string, more?: object): Promise<T>;
  readonly stderr: () => string;
  signal(signal: NodeJS.Signals): void;
  /** Resolves to its exit code or signal. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  /** Ends its input: it then exits if nothing keeps it alive. */
  leave(): Promise<{ readonly code: number | null; readonly signal: string | null }>;
}

const program = join(__dirname, '../fixtures/run/run-process.cjs');

/** @param within - A command prefix that runs the rest of the command line. */
export async function startRunProcess(
  env: NodeJS.ProcessEnv = {},
  within: readonly string[] = [],
): Promise<RunProcess> {
  const [file, ...args] = [...within, process.execPath, ...withTypeScript, program];
  const child = spawn(file, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, CASTOFF_SPEC_LABELS: JSON.stringify(specLabel), ...env },
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const reports: Report[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    const report: Report = JSON.parse(line);
    reports.push(report);
  });
  let hasEnded = false;
  const ended = once(child, 'close').then(([code, signal]: (number | string | null)[]) => {
    hasEnded = true;
    return { code: code as number | null, signal: signal as string | null };
  });
  const waitFor = async <T>(command: string): Promise<T> => {
    const find = () => reports.findIndex(({ done }) => done === command);
    await until(() => find() >= 0 || hasEnded, 40_000);
    const [report] = find() < 0 ? [] : reports.splice(find(), 1);
    if (report === undefined) throw new Error(`run ${command} in the process: no report; stderr: ${stderr}`);
    const { error } = report;
    if (error !== undefined) throw Object.assign(new Error(error.message), { said: error });
    return report.value as T;
  };
  await waitFor('started');
  return {
    pid: child.pid ?? 0,
    async do<T>(command: string, more: object = {}) {
      child.stdin.write(`${JSON.stringify({ do: command, ...more })}\n`);
      return waitFor<T>(command);
    },
    stderr: () => stderr,
    signal: (signal) => void child.kill(signal),
    ended,
    leave() {
      child.stdin.end();
      return ended;
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Resolves to the error that such a process reported. */
export async function thrownBy(work: Promise<unknown>): Promise<ReportedError> {
  const [result] = await Promise.allSettled([work]);
  if (result.status === 'fulfilled')
    throw new Error(`expected an error, got ${JSON.stringify(result.value)}`);
  return (result.reason as { said: ReportedError }).said;
}
