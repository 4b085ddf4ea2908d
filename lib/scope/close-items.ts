import { deadline } from '../core/deadline';
import { withTimeout } from '../core/timeout';
import { planClose } from './close-plan';
import type { CloseSettings } from './close-options';
import type { FinalizerEnd } from './close-report';
import type { Call, Item, Part } from './item';
import { removeResources } from './remove-resources';

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
