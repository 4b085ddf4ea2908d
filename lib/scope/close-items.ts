import { deadline } from '../core/deadline';
import { withTimeout } from '../core/timeout';
import { planClose, type ScopeItem } from './close-plan';
import type { FinalizerEnd } from './close-report';
import type { CloseReason, Finalizer } from './finalizer';
import { removeResources, type RemovalSettings, type OwnedResource } from './remove-resources';

/** Something to be run when the scope closes. */
export interface Call {
  readonly what: string;
  readonly source?: string | undefined;
  readonly run: Finalizer;
}

/** What keeps to time limits of its own: a scope inside, a task, a command. */
export interface Part {
  readonly what: string;
  readonly source?: string | undefined;
  close(settings: CloseSettings): Promise<unknown>;
  /** What is on record of it, once it is closed. */
  readonly ended?: Pick<FinalizerEnd, 'task' | 'command'>;
}

export type Item = ScopeItem<Call | Part, OwnedResource>;

export interface CloseSettings extends RemovalSettings {
  readonly reason: CloseReason;
}

/** Ends all `items`, the last first. A failure never skips what comes after it: each is kept beside what it happened to. */
export async function closeItems(
  items: readonly Item[],
  settings: CloseSettings,
): Promise<readonly FinalizerEnd[]> {
  const ends: FinalizerEnd[] = [];
  const steps = planClose(items);
  for (const step of steps) {
    // What ends after it may count on its being gone.
    const inStep = step === steps.at(-1) ? settings : { ...settings, handOver: undefined };
    if (step.type === 'call') ends.push(await endCall(step.call, inStep));
    else ends.push(...(await removeResources(step.things, inStep)));
  }
  return ends;
}

async function endCall(call: Call | Part, settings: CloseSettings): Promise<FinalizerEnd> {
  const startedAt = performance.now();
  const { what, source } = call;
  const error = await failureOf(call, settings);
  const ended = 'run' in call ? undefined : call.ended;
  return { what, source, durationMs: performance.now() - startedAt, ...ended, error };
}

async function failureOf(call: Call | Part, settings: CloseSettings): Promise<unknown> {
  try {
    if ('run' in call) await runWithinLimits(call, settings);
    else await call.close(settings);
    return undefined;
  } catch (error) {
    // `undefined` can be thrown too, and is a failure like any other.
    return error === undefined ? new Error('it threw undefined') : error;
  }
}

async function runWithinLimits(
  { what, run }: Call,
  { reason, cleanupTimeoutMs: timeoutMs }: CloseSettings,
): Promise<void> {
  const leaving = new AbortController();
  const signal = deadline(timeoutMs, { what, signal: leaving.signal });
  try {
    await withTimeout((async () => run({ reason, signal }))(), { what, timeoutMs });
  } finally {
    leaving.abort();
  }
}
