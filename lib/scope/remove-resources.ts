import { setImmediate as nextTurn } from 'node:timers/promises';
import { maxTimerMs } from '../core/durations';
import { messageOf } from '../core/errors';
import { withTimeout } from '../core/timeout';
import { timeouts } from '../core/timeouts';
import { sessionIdentity } from '../registry/session-identity';
import { cleanupAll } from '../resources/cleanup-all';
import { inRemovalOrder } from '../resources/cleanup-items';
import { cleanupOne, type CleanupSettings } from '../resources/cleanup-one';
import { cleanupResource } from '../resources/compose-project';
import { isFullId } from '../resources/kind';
import type { FinalizerEnd } from './close-report';
import { releaseThirdParty } from './third-party-labels';
import type { CloseSettings } from './close-options';
import type { OwnedResource, OwnedTarget } from './owned-resource';

type PresentResource = OwnedTarget & { readonly resource: OwnedResource };

/**
 * Removes `resources`, or passes their removals to `onBackgroundRemoval`. Resolves to the outcomes of the
 * others. Never rejects: a failure is the `error` of its outcome.
 */
export async function removeResources(
  resources: readonly OwnedResource[],
  settings: CloseSettings,
): Promise<readonly FinalizerEnd[]> {
  const { onBackgroundRemoval, shouldAwait = () => false, isKept = () => false, signal } = settings;
  const { present, ends } = await findPresent(resources, signal);
  const kept = present.filter(isKept);
  for (const target of kept) ends.push(markKept(target));
  const unwanted = present.filter((target) => !kept.includes(target));
  const awaited = new Set<PresentResource>();
  for (const target of unwanted)
    if ((await shouldAwait(target)) || onBackgroundRemoval === undefined) awaited.add(target);
  const removals = startRemovals(unwanted, settings);
  for (const { target, done } of removals) {
    if (awaited.has(target)) continue;
    const { key, kind, id, resource } = target;
    onBackgroundRemoval?.({ what: describeTarget(target), source: resource.source, key, kind, id, done });
  }
  for (const { target, done } of removals) if (awaited.has(target)) ends.push(await done);
  return ends;
}

async function findPresent(
  resources: readonly OwnedResource[],
  signal: AbortSignal | undefined,
): Promise<{ readonly present: readonly PresentResource[]; readonly ends: FinalizerEnd[] }> {
  const startedAt = performance.now();
  const present: PresentResource[] = [];
  const ends: FinalizerEnd[] = [];
  const targets = await Promise.allSettled(resources.map((resource) => findTarget(resource, signal)));
  for (const [index, resource] of resources.entries()) {
    const { what, source } = resource;
    const target = targets[index];
    if (target?.status === 'rejected')
      ends.push({ what, source, durationMs: performance.now() - startedAt, error: target.reason });
    else if (target?.value !== undefined) present.push({ ...target.value, resource });
  }
  return { present, ends };
}

/** After an abort, resolves to a target that is already known, so that its failed removal is recorded. */
async function findTarget(
  resource: OwnedResource,
  signal: AbortSignal | undefined,
): Promise<OwnedTarget | undefined> {
  const target = resource.target();
  if (signal?.aborted === true) await Promise.race([Promise.allSettled([target]), nextTurn()]);
  return Promise.race([target, withTimeout(target, { what: `end ${resource.what}`, signal })]);
}

function markKept(target: PresentResource): FinalizerEnd {
  sessionIdentity().registry.update(target.key, { state: 'kept' });
  return { what: describeTarget(target), source: target.resource.source, durationMs: 0, isKept: true };
}

interface Removal {
  readonly target: PresentResource;
  /** Never rejects. */
  readonly done: Promise<FinalizerEnd>;
}

/** Starts the removals in the order of the plan, and returns them in that order. */
function startRemovals(targets: readonly PresentResource[], settings: CloseSettings): readonly Removal[] {
  const removals = targets.map((target) => {
    const { promise: done, resolve } = Promise.withResolvers<FinalizerEnd>();
    return { kind: target.kind, id: target.id, target, done, resolve };
  });
  // Never rejects, since `remove` does not.
  void cleanupAll(removals, async ({ target, resolve }) => resolve(await remove(target, settings)));
  return inRemovalOrder(removals);
}

async function remove(
  target: PresentResource,
  { cleanupTimeoutMs: timeoutMs, beforeRemoval, signal }: CloseSettings,
): Promise<FinalizerEnd> {
  const startedAt = performance.now();
  const { registry } = sessionIdentity();
  const { engine, resource, key } = target;
  const title = { what: describeTarget(target), source: resource.source };
  registry.update(key, { state: 'cleaning' });
  await beforeRemoval?.(target);
  try {
    const { stopSignal, stopTimeoutMs = stopSignal === undefined ? 0 : timeouts.stopGraceMs } =
      target.stop ?? {};
    const result = await cleanupResource(engine, target, {
      stopTimeoutMs,
      stopSignal,
      timeoutMs: Math.min(timeoutMs + stopTimeoutMs, maxTimerMs),
      signal,
      identity: target.identity,
    });
    registry.update(key, { state: 'gone', outcome: result.outcome });
    await releaseThirdParty(target, target.claimBounds ?? target.bounds);
    const failure = await removeMarkers(target, { timeoutMs, signal });
    return { ...title, durationMs: result.durationMs, result, ...failure };
  } catch (error) {
    registry.update(key, { state: 'left', failure: messageOf(error) });
    return { ...title, durationMs: performance.now() - startedAt, error };
  }
}

/** Removes the markers of a removed resource; one that is left keeps its markers while the session lives. */
async function removeMarkers(
  { engine, markers = [] }: PresentResource,
  limits: Pick<CleanupSettings, 'timeoutMs' | 'signal'>,
): Promise<Pick<FinalizerEnd, 'error'> | undefined> {
  const ends = await Promise.allSettled(markers.map((name) => cleanupOne(engine, 'volume', name, limits)));
  const failed = ends.find((end) => end.status === 'rejected');
  // Reported with the resource, which stays recorded as removed.
  return failed && { error: failed.reason };
}

/** `container web (3f2a91c0d1e2)`, `volume data`. */
function describeTarget({ kind, id, name }: OwnedTarget): string {
  if (!isFullId(id)) return `${kind} ${id}`;
  return name === undefined ? `${kind} ${id.slice(0, 12)}` : `${kind} ${name} (${id.slice(0, 12)})`;
}
