import { deadline } from '../core/deadline';
import { withTimeout } from '../core/timeout';
import { planClose, type ScopeItem } from './close-plan';
import type { CloseSettings } from './close-options';
import type { CloseReason, FinalizerEnd } from './close-report';
import type { OwnedResource } from './owned-resource';
import { removeResources } from './remove-resources';

/** The argument of a finalizer. */
export interface Closing {
  readonly reason: CloseReason;
  /** Aborts when the finalizer's own timeout expires, not when the scope's work is cancelled. */
  readonly signal: AbortSignal;
}

/** Runs when its scope closes, which awaits the returned value. */
export type Finalizer = (closing: Closing) => unknown;

/** A function to run when the scope closes. */
export interface Call {
  readonly what: string;
  readonly source?: string | undefined;
  readonly run: Finalizer;
}

/** An item that enforces its own timeouts: a child scope, a task or a command. */
export interface Part {
  readonly what: string;
  readonly source?: string | undefined;
  close(settings: CloseSettings): Promise<unknown>;
  /** Added to the report once the part has closed. */
  readonly ended?: Pick<FinalizerEnd, 'task' | 'command'>;
}

/** An item of a scope: a function, a self-contained part or a resource. */
export type Item = ScopeItem<Call | Part, OwnedResource>;

/**
 * Ends all `items`, the last one first. Resolves to one outcome per item, in the order in which they ended.
 * Never rejects: a failure is the `error` of its outcome and skips nothing after it.
 */
export async function closeItems(
  items: readonly Item[],
  settings: CloseSettings,
): Promise<readonly FinalizerEnd[]> {
  const ends: FinalizerEnd[] = [];
  const steps = planClose(items);
  for (const step of steps) {
    // The next step may rely on these resources being removed.
    const stepSettings = step === steps.at(-1) ? settings : { ...settings, onBackgroundRemoval: undefined };
    if (step.type === 'call') ends.push(await closeCall(step.call, stepSettings));
    else ends.push(...(await removeResources(step.resources, stepSettings)));
  }
  return ends;
}

async function closeCall(call: Call | Part, settings: CloseSettings): Promise<FinalizerEnd> {
  const startedAt = performance.now();
  const { what, source } = call;
  const error = await failureOf(call, settings);
  const ended = 'run' in call ? undefined : call.ended;
  return { what, source, durationMs: performance.now() - startedAt, ...ended, error };
}

async function failureOf(call: Call | Part, settings: CloseSettings): Promise<unknown> {
  try {
    if ('run' in call) await runWithTimeout(call, settings);
    else await call.close(settings);
    return undefined;
  } catch (error) {
    // Code can also throw `undefined`, which is a failure like any other.
    return error === undefined ? new Error('it threw undefined') : error;
  }
}

async function runWithTimeout(
  { what, run }: Call,
  { reason, cleanupTimeoutMs: timeoutMs }: CloseSettings,
): Promise<void> {
  const finished = new AbortController();
  const signal = deadline(timeoutMs, { what, signal: finished.signal });
  try {
    await withTimeout((async () => run({ reason, signal }))(), { what, timeoutMs });
  } finally {
    finished.abort();
  }
}
