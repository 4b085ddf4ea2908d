import { deadline } from '../core/deadline';
import { waitAtMost } from '../core/patience';
import type { Registry } from '../registry/registry';
import { cleanupResource } from '../resources/cleanup-resource';
import { isFullId } from '../resources/kind';
import { cleanupMany } from '../resources/plan';
import { planClose, type ScopeItem } from './close-plan';
import type { FinalizerEnd } from './close-report';
import type { CloseReason, Finalizer } from './finalizer';
import { releaseForeign } from './foreign-labels';
import type { OwnedTarget } from './start';

/** Something to be run when the scope closes. */
export interface Call {
  readonly what: string;
  readonly source?: string | undefined;
  readonly run: Finalizer;
  /** Keeps to time limits of its own, as a scope inside does for each of its finalizers. */
  readonly hasOwnLimits?: boolean | undefined;
}

/** Something on an engine that is to be removed when the scope closes. */
export interface Thing {
  readonly what: string;
  readonly source?: string | undefined;
  /** Within a time limit of its own. */
  target(): Promise<OwnedTarget | undefined>;
}

export type Item = ScopeItem<Call, Thing>;

export interface CloseSettings {
  readonly reason: CloseReason;
  readonly registry: Registry;
  /** For each finalizer, and for each group of removals. */
  readonly cleanupTimeoutMs: number;
}

/** Ends all `items`, the last first. A failure never skips what comes after it: each is kept beside what it happened to. */
export async function closeItems(
  items: readonly Item[],
  settings: CloseSettings,
): Promise<readonly FinalizerEnd[]> {
  const ends: FinalizerEnd[] = [];
  for (const step of planClose(items)) {
    if (step.type === 'call') ends.push(await runCall(step.call, settings));
    else ends.push(...(await removeThings(step.things, settings)));
  }
  return ends;
}

async function runCall(call: Call, settings: CloseSettings): Promise<FinalizerEnd> {
  const startedAt = performance.now();
  const { what, source } = call;
  try {
    await runWithinLimits(call, settings);
    return { what, source, durationMs: performance.now() - startedAt };
  } catch (thrown) {
    // `undefined` can be thrown too, and is a failure like any other.
    const error = thrown === undefined ? new Error('it threw undefined') : thrown;
    return { what, source, durationMs: performance.now() - startedAt, error };
  }
}

async function runWithinLimits({ what, run, hasOwnLimits }: Call, settings: CloseSettings): Promise<void> {
  const { reason, cleanupTimeoutMs } = settings;
  const timeoutMs = hasOwnLimits ? undefined : cleanupTimeoutMs;
  const leaving = new AbortController();
  const signal =
    timeoutMs === undefined ? leaving.signal : deadline(timeoutMs, { what, signal: leaving.signal });
  try {
    await waitAtMost((async () => run({ reason, signal }))(), { what, timeoutMs });
  } finally {
    leaving.abort();
  }
}

async function removeThings(
  things: readonly Thing[],
  settings: CloseSettings,
): Promise<readonly FinalizerEnd[]> {
  const startedAt = performance.now();
  const ends: FinalizerEnd[] = [];
  const present: (OwnedTarget & { readonly thing: Thing })[] = [];
  const targets = await Promise.allSettled(things.map((thing) => thing.target()));
  for (const [index, thing] of things.entries()) {
    const target = targets[index];
    if (target?.status === 'rejected') {
      ends.push({
        what: thing.what,
        source: thing.source,
        durationMs: performance.now() - startedAt,
        error: target.reason,
      });
    } else if (target?.value !== undefined) {
      present.push({ ...target.value, thing });
    }
  }
  for (const { target, result, error } of await cleanupMany(present, (one) => removeOne(one, settings))) {
    const { thing } = target;
    const what = titleOf(target);
    const durationMs = result?.durationMs ?? performance.now() - startedAt;
    ends.push({ what, source: thing.source, durationMs, result, error });
  }
  return ends;
}

async function removeOne(target: OwnedTarget, settings: CloseSettings) {
  const { registry, cleanupTimeoutMs: timeoutMs } = settings;
  // Its own engine, whatever the environment says by now.
  const { engine } = target;
  registry.update(target.key, { state: 'cleaning' });
  try {
    const result = await cleanupResource(target, { engine, timeoutMs });
    registry.update(target.key, { state: 'gone', outcome: result.outcome });
    await releaseForeign(target);
    return result;
  } catch (error) {
    registry.update(target.key, { state: 'left' });
    throw error;
  }
}

/** `container web (3f2a91c0d1e2)`, `volume data`. */
function titleOf({ kind, id, name }: OwnedTarget): string {
  if (!isFullId(id)) return `${kind} ${id}`;
  return name === undefined ? `${kind} ${id.slice(0, 12)}` : `${kind} ${name} (${id.slice(0, 12)})`;
}
