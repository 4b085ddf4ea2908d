import { deadline } from '../core/deadline';
import { waitAtMost } from '../core/patience';
import type { Registry } from '../registry/registry';
import { cleanupResource } from '../resources/cleanup-resource';
import { cleanupMany } from '../resources/plan';
import { planClose, type ScopeItem } from './close-plan';
import type { FinalizerEnd } from './close-report';
import type { CloseReason, Finalizer } from './finalizer';
import type { OwnedTarget } from './start';

/** Something to be run when the scope closes. */
export interface Call {
  readonly what: string;
  readonly source?: string | undefined;
  readonly run: Finalizer;
}

/** Something on an engine that is to be removed when the scope closes. */
export interface Thing {
  readonly what: string;
  readonly source?: string | undefined;
  target(): Promise<OwnedTarget | undefined>;
}

export type Item = ScopeItem<Call, Thing>;

export interface CloseSettings {
  readonly reason: CloseReason;
  readonly registry: Registry;
  readonly engineAddress: string | undefined;
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

async function runCall({ what, source, run }: Call, settings: CloseSettings): Promise<FinalizerEnd> {
  const startedAt = performance.now();
  const { reason, cleanupTimeoutMs: timeoutMs } = settings;
  const leaving = new AbortController();
  const signal = deadline(timeoutMs, { what, signal: leaving.signal });
  try {
    await waitAtMost((async () => run({ reason, signal }))(), { what, timeoutMs });
    return { what, source, durationMs: performance.now() - startedAt };
  } catch (error) {
    return { what, source, durationMs: performance.now() - startedAt, error };
  } finally {
    leaving.abort();
  }
}

async function removeThings(
  things: readonly Thing[],
  settings: CloseSettings,
): Promise<readonly FinalizerEnd[]> {
  const startedAt = performance.now();
  const { cleanupTimeoutMs: timeoutMs } = settings;
  const ends: FinalizerEnd[] = [];
  const present: (OwnedTarget & { readonly thing: Thing })[] = [];
  const targets = await Promise.allSettled(
    things.map((thing) =>
      waitAtMost(thing.target(), { what: `wait for ${thing.what} to end its start`, timeoutMs }),
    ),
  );
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
    const { thing, kind, id, name } = target;
    const what = `${kind} ${name ?? ''} (${id.slice(0, 12)})`;
    const durationMs = result?.durationMs ?? performance.now() - startedAt;
    ends.push({ what, source: thing.source, durationMs, result, error });
  }
  return ends;
}

async function removeOne(target: OwnedTarget, settings: CloseSettings) {
  const { registry, engineAddress: engine, cleanupTimeoutMs: timeoutMs } = settings;
  registry.update(target.key, { state: 'cleaning' });
  try {
    const result = await cleanupResource(target, { engine, timeoutMs });
    registry.update(target.key, { state: 'gone', outcome: result.outcome });
    return result;
  } catch (error) {
    registry.update(target.key, { state: 'left' });
    throw error;
  }
}
