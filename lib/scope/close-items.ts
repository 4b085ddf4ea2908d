import { deadline, DeadlineError } from '../core/deadline';
import { isCastoffError } from '../core/errors';
import { withTimeout } from '../core/timeout';
import { planClose, type CloseStep } from './close-plan';
import type { CloseSettings } from './close-options';
import type { FinalizerEnd } from './close-report';
import { trackFinalizer } from './finalizers-under-way';
import type { Call, Item, Part } from './item';
import type { OwnedResource } from './owned-resource';
import { removeResources } from './remove-resources';

/**
 * Ends all `items`, the last one first. Resolves to one outcome per item, in the order in which they ended, and
 * by the limit of the close. Never rejects: a failure is the `error` of its outcome and skips nothing after it.
 */
export async function closeItems(
  items: readonly Item[],
  settings: CloseSettings,
): Promise<readonly FinalizerEnd[]> {
  const ends: FinalizerEnd[] = [];
  const steps = planClose(items);
  const closing: Promise<void>[] = [];
  for (const step of steps) {
    // The next step may rely on these resources being removed.
    const stepSettings = step === steps.at(-1) ? settings : { ...settings, onBackgroundRemoval: undefined };
    settings.limit.startItem();
    const closed = closeStep(step, stepSettings).then((ended) => void ends.push(...ended));
    closing.push(closed);
    await settings.limit.beforeNext(closed);
  }
  // None rejects.
  await Promise.allSettled(closing);
  return ends;
}

async function closeStep(
  step: CloseStep<Call | Part, OwnedResource>,
  settings: CloseSettings,
): Promise<readonly FinalizerEnd[]> {
  if (step.type === 'call') return [await closeCall(step.call, settings)];
  const { limit, signal } = settings;
  const either = signal === undefined ? limit.lastCall : AbortSignal.any([signal, limit.lastCall]);
  const startedAt = performance.now();
  try {
    return await limit.within(removeResources(step.resources, { ...settings, signal: either }));
  } catch (error) {
    const durationMs = performance.now() - startedAt;
    return step.resources.map(({ what, source }) => ({ what, source, durationMs, error }));
  }
}

async function closeCall(call: Call | Part, settings: CloseSettings): Promise<FinalizerEnd> {
  const startedAt = performance.now();
  const { what, source } = call;
  const untrack = trackFinalizer({ close: settings.limit.what, what, source, sinceMs: startedAt });
  const error = await failureOf(call, settings);
  untrack();
  const durationMs = performance.now() - startedAt;
  if (isStuck(call, error, settings.cleanupTimeoutMs)) settings.limit.noteStuck();
  const ended = 'run' in call ? undefined : call.ended;
  return { what, source, durationMs, ...ended, error };
}

/** Whether it has not ended in time. Child scopes report that themselves. */
function isStuck(call: Call | Part, error: unknown, timeoutMs: number): boolean {
  if (!('run' in call))
    return isCastoffError(error, 'TASK_STUCK') || isCastoffError(error, 'DEADLINE_EXCEEDED');
  return error instanceof DeadlineError && error.what === call.what && error.timeoutMs === timeoutMs;
}

async function failureOf(call: Call | Part, settings: CloseSettings): Promise<unknown> {
  try {
    if ('run' in call) await runWithTimeout(call, settings);
    else await settings.limit.within(call.close(settings));
    return undefined;
  } catch (error) {
    // Code can also throw `undefined`, which is a failure like any other.
    return error === undefined ? new Error('it threw undefined') : error;
  }
}

async function runWithTimeout(
  { what, run }: Call,
  { reason, cleanupTimeoutMs: timeoutMs, limit }: CloseSettings,
): Promise<void> {
  const finished = new AbortController();
  const signal = deadline(timeoutMs, { what, signal: AbortSignal.any([finished.signal, limit.over]) });
  try {
    await withTimeout((async () => run({ reason, signal }))(), { what, timeoutMs, signal: limit.over });
  } finally {
    finished.abort();
  }
}
