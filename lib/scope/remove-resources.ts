import { setImmediate as nextTurn } from 'node:timers/promises';
import { messageOf } from '../core/errors';
import { withTimeout } from '../core/timeout';
import { sessionIdentity } from '../registry/session-identity';
import { cleanupOne, type CleanupOptions } from '../resources/cleanup-one';
import { cleanupResource } from '../resources/cleanup-resource';
import { isFullId } from '../resources/kind';
import { cleanupMany, planRemovals } from '../resources/plan';
import { defaultGraceMs } from '../resources/stop-options';
import type { FinalizerEnd } from './close-report';
import { releaseThirdParty } from './third-party-labels';
import type { CloseOptions } from './scope-options';
import type { OwnedTarget } from './owned-target';

/** Something on an engine that is to be removed when the scope closes. */
export interface OwnedResource {
  readonly what: string;
  readonly source?: string | undefined;
  /** Within a time limit of its own. */
  target(): Promise<OwnedTarget | undefined>;
}

export interface RemovalSettings extends Pick<
  CloseOptions,
  'handOver' | 'mustWait' | 'beforeRemoval' | 'isKept' | 'signal'
> {
  /** For each group of removals. */
  readonly cleanupTimeoutMs: number;
}

type Present = OwnedTarget & { readonly thing: OwnedResource };

/** Removes what there is of `things`; resolves to how those ended that are not handed over. */
export async function removeResources(
  things: readonly OwnedResource[],
  settings: RemovalSettings,
): Promise<readonly FinalizerEnd[]> {
  const { handOver, mustWait = () => false, isKept = () => false, signal } = settings;
  const { present, ends } = await findPresent(things, signal);
  const kept = present.filter(isKept);
  for (const target of kept) ends.push(keep(target));
  const unwanted = present.filter((target) => !kept.includes(target));
  const awaited = new Set<Present>();
  for (const target of unwanted) if ((await mustWait(target)) || handOver === undefined) awaited.add(target);
  const removals = beginRemovals(unwanted, settings);
  for (const { target, done } of removals) {
    if (awaited.has(target)) continue;
    const { key, kind, id, thing } = target;
    handOver?.({ what: titleOf(target), source: thing.source, key, kind, id, done });
  }
  for (const { target, done } of removals) if (awaited.has(target)) ends.push(await done);
  return ends;
}

async function findPresent(
  things: readonly OwnedResource[],
  signal: AbortSignal | undefined,
): Promise<{ readonly present: readonly Present[]; readonly ends: FinalizerEnd[] }> {
  const startedAt = performance.now();
  const present: Present[] = [];
  const ends: FinalizerEnd[] = [];
  const targets = await Promise.allSettled(things.map((thing) => targetOf(thing, signal)));
  for (const [index, thing] of things.entries()) {
    const { what, source } = thing;
    const target = targets[index];
    if (target?.status === 'rejected')
      ends.push({ what, source, durationMs: performance.now() - startedAt, error: target.reason });
    else if (target?.value !== undefined) present.push({ ...target.value, thing });
  }
  return { present, ends };
}

/** A target that is known already also counts after the abort: its removal is on record as failed then. */
async function targetOf(
  thing: OwnedResource,
  signal: AbortSignal | undefined,
): Promise<OwnedTarget | undefined> {
  const target = thing.target();
  if (signal?.aborted === true) await Promise.race([Promise.allSettled([target]), nextTurn()]);
  return Promise.race([target, withTimeout(target, { what: `end ${thing.what}`, signal })]);
}

function keep(target: Present): FinalizerEnd {
  sessionIdentity().registry.update(target.key, { state: 'kept' });
  return { what: titleOf(target), source: target.thing.source, durationMs: 0, isKept: true };
}

interface Removal {
  readonly target: Present;
  /** Never rejects. */
  readonly done: Promise<FinalizerEnd>;
}

/** In the order of the plan; in the order of the plan also what is returned. */
function beginRemovals(targets: readonly Present[], settings: RemovalSettings): readonly Removal[] {
  const removals = targets.map((target) => {
    const { promise: done, resolve } = Promise.withResolvers<FinalizerEnd>();
    return { kind: target.kind, id: target.id, target, done, resolve };
  });
  // It never rejects, nor does what it is given.
  void cleanupMany(removals, async ({ target, resolve }) => resolve(await remove(target, settings)));
  return planRemovals(removals).flat();
}

async function remove(
  target: Present,
  { cleanupTimeoutMs: timeoutMs, beforeRemoval, signal }: RemovalSettings,
): Promise<FinalizerEnd> {
  const startedAt = performance.now();
  const { registry } = sessionIdentity();
  // Its own engine, whatever the environment says by now.
  const { engine, thing, key } = target;
  const words = { what: titleOf(target), source: thing.source };
  registry.update(key, { state: 'cleaning' });
  await beforeRemoval?.(target);
  try {
    const { stopSignal, stopTimeoutMs = stopSignal === undefined ? 0 : defaultGraceMs } = target.stop ?? {};
    const stop = { stopTimeoutMs, stopSignal, timeoutMs: timeoutMs + stopTimeoutMs, signal };
    const result = await cleanupResource(target, { engine, ...stop, identity: target.identity });
    registry.update(key, { state: 'gone', outcome: result.outcome });
    await releaseThirdParty(target, target.bounds);
    const marker = await removeMarker(target, { timeoutMs, signal });
    return { ...words, durationMs: result.durationMs, result, ...marker };
  } catch (error) {
    registry.update(key, { state: 'left', failure: messageOf(error) });
    return { ...words, durationMs: performance.now() - startedAt, error };
  }
}

/** A resource that could not be removed keeps its marker for as long as the session lives. */
async function removeMarker(
  { engine, marker }: Present,
  limits: Pick<CleanupOptions, 'timeoutMs' | 'signal'>,
): Promise<Pick<FinalizerEnd, 'error'> | undefined> {
  if (marker === undefined) return undefined;
  try {
    await cleanupOne('volume', marker, { engine, ...limits });
    return undefined;
  } catch (error) {
    // Its resource is gone all the same.
    return { error };
  }
}

/** `container web (3f2a91c0d1e2)`, `volume data`. */
function titleOf({ kind, id, name }: OwnedTarget): string {
  if (!isFullId(id)) return `${kind} ${id}`;
  return name === undefined ? `${kind} ${id.slice(0, 12)}` : `${kind} ${name} (${id.slice(0, 12)})`;
}
