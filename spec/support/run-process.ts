import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { specLabel } from './things';
import { until } from './until';

/** What the program says of a deed. */
interface Said {
  readonly done: string;
  readonly value?: unknown;
  readonly error?: SaidError;
}

export interface SaidError {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  readonly code?: string;
}

/** A process that plays the main process of a run, or a worker. Disposing of it kills it. */
export interface RunProcess extends AsyncDisposable {
  readonly pid: number;
  /** Has it do something; resolves to what it says of it, rejects with an error that carries what it threw. */
  do<T = undefined>(deed: string, more?: object): Promise<T>;
  readonly stderr: () => string;
  signal(signal: NodeJS.Signals): void;
  /** Resolves to how it ended. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  /** Ends its input: it ends by itself when nothing holds it. */
  leave(): Promise<{ readonly code: number | null; readonly signal: string | null }>;
}

const program = join(__dirname, '../fixtures/run/run-process.cjs');
const hooks = join(__dirname, 'require-typescript.cjs');

/** @param within - The words of a command that becomes the one that is given to it. */
export async function startRunProcess(
  env: NodeJS.ProcessEnv = {},
  within: readonly string[] = [],
): Promise<RunProcess> {
  const [command, ...args] = [...within, process.execPath, '--require', hooks, program];
  const child = spawn(command, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, CASTOFF_SPEC_LABELS: JSON.stringify(specLabel), ...env },
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const said: Said[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    const one: Said = JSON.parse(line);
    said.push(one);
  });
  let hasEnded = false;
  const ended = once(child, 'close').then(([code, signal]: (number | string | null)[]) => {
    hasEnded = true;
    return { code: code as number | null, signal: signal as string | null };
  });
  const hear = async <T>(deed: string): Promise<T> => {
    const find = () => said.findIndex(({ done }) => done === deed);
    await until(() => find() >= 0 || hasEnded, 40_000);
    const [heard] = find() < 0 ? [] : said.splice(find(), 1);
    if (heard === undefined) throw new Error(`the process has not done ${deed}: ${stderr}`);
    if (heard.error !== undefined) throw Object.assign(new Error(heard.error.message), { said: heard.error });
    return heard.value as T;
  };
  await hear('started');
  return {
    pid: child.pid ?? 0,
    async do<T>(deed: string, more: object = {}) {
      child.stdin.write(`${JSON.stringify({ do: deed, ...more })}\n`);
      return hear<T>(deed);
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

/** What such a process threw. */
export async function thrownBy(work: Promise<unknown>): Promise<SaidError> {
  const [end] = await Promise.allSettled([work]);
  if (end.status === 'fulfilled') throw new Error(`it resolved to ${JSON.stringify(end.value)}`);
  return (end.reason as { said: SaidError }).said;
}
