import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { composeClient } from './compose-client';
import type { Traces } from './kill-round-stock';
import { uniqueName } from './things';
import { until } from './until';

/**
 * What the program creates: `scoped` through the scope, `raw` with dockerode and the session's labels,
 * `created` without a start.
 */
export type Making = 'scoped' | 'raw' | 'created' | 'network' | 'volume' | 'image' | 'compose';

export interface ChildPlan {
  readonly reaper: 'container' | 'process';
  readonly things: readonly Making[];
  readonly atOnce: number;
  /** How it ends when everything is created. */
  readonly end: 'wait' | 'close' | 'close on SIGTERM' | 'exit' | 'throw';
}

/** A line that the program prints before and after each of its steps. */
export interface Step {
  readonly step: 'opening' | 'opened' | 'making' | 'made' | 'named' | 'done' | 'closing' | 'closed';
  readonly session?: string;
  readonly reaper?: string;
  readonly kind?: string;
  readonly name?: string;
}

export interface ChildOptions {
  /** Temporary folder of another child, to share its host process. Default: a new one. */
  readonly folder?: string | undefined;
  readonly onStep?: ((step: Step) => void) | undefined;
}

/** The running program. Disposal kills it and removes its folder. */
export interface Child extends AsyncDisposable {
  readonly traces: Traces;
  readonly steps: readonly Step[];
  /** Its stderr so far. */
  readonly stderr: string;
  /** Resolves to its exit code or signal when its output has ended. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  signal(signal: NodeJS.Signals): void;
  /** Resolves when it prints that step; rejects if it exits before. */
  reached(step: Step['step'], timeoutMs?: number): Promise<void>;
}

/** Starts spec/fixtures/reaper/kill/child.cjs. */
export async function startChild(plan: ChildPlan, options: ChildOptions = {}): Promise<Child> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'castoff-kill-')));
  const name = uniqueName();
  const steps: Step[] = [];
  const program = join(__dirname, '../fixtures/reaper/kill/child.cjs');
  const plans = JSON.stringify({ ...plan, name, composeClient: await composeClient() });
  const child = spawn(process.execPath, [program, plans], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: folder, TESTCONTAINERS_RYUK_DISABLED: 'true' },
  });
  const traces: Traces = { pid: child.pid ?? 0, folder, names: new Set() };
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  createInterface(child.stdout).on('line', (line) => {
    const step: Step = JSON.parse(line);
    steps.push(step);
    note(traces, step);
    options.onStep?.(step);
  });
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal }));
  let hasEnded = false;
  void ended.then(() => (hasEnded = true));
  return {
    traces,
    steps,
    get stderr() {
      return stderr;
    },
    ended,
    signal: (signal) => void child.kill(signal),
    async reached(step, timeoutMs = 30_000) {
      const isThere = (): boolean => steps.some((one) => one.step === step);
      await until(() => isThere() || hasEnded, timeoutMs);
      if (!isThere()) throw new Error(`the program did not reach "${step}": ${stderr}`);
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
      if (options.folder === undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}

function note(traces: Traces, { step, session, kind, name }: Step): void {
  if (session !== undefined) traces.session = session;
  if (step === 'named' && kind === 'foreign-session') traces.foreignSession = name!;
  else if (name !== undefined) traces.names.add(name);
}
