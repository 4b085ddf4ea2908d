import { messageOf } from '../core/errors';
import { checkTimeLeft } from '../core/timeout';
import { timeouts } from '../core/timeouts';
import { carriesLabels } from '../engine/carries-labels';
import type { Engine } from '../engine/engine';
import type { RemovableKind } from '../engine/removable-kind';
import { proveOwnersHere } from '../registry/owner';
import type { RegistryEntry } from '../registry/entry';
import { cleanupOne, type CleanupResult } from '../resources/cleanup-one';
import { cleanupResource } from '../resources/cleanup-resource';
import { isSameCreation } from '../resources/ownership';
import type { Target } from '../resources/plan';
import { inspectServiceOf, removeServiceOf } from '../resources/swarm-service';
import { readAllJournals } from './session-journals';
import { proveSession } from './session-proof';
import { isStillOurs } from './still-ours';
import type { SweptResource } from './sweep-report';

/** A resource to remove, with the conditions to check right before its removal. */
export type RemovalCandidate = Target & { readonly resource: Omit<SweptResource, 'action'> } & (
    | {
        readonly kind: RemovableKind;
        /** Labels that it must still carry. */
        readonly labels: readonly string[];
        /** References to remove, in this order. */
        readonly refs: readonly string[];
        /** All its labels in the listing. */
        readonly listed: Readonly<Record<string, string>>;
      }
    | {
        /** Its entry in the session's journal. */
        readonly entry: RegistryEntry;
      }
  );

/** Time left for a sweep's removals. */
export interface RemoveLimits {
  readonly leftMs: () => number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Removes a candidate unless it now belongs to another owner. Resolves to the result, also when the removal
 * fails; rejects only with the signal's reason.
 */
export async function removeCandidate(
  engine: Engine,
  candidate: RemovalCandidate,
  limits: RemoveLimits,
): Promise<SweptResource> {
  const { resource } = candidate;
  try {
    limits.signal?.throwIfAborted();
    checkTimeLeft(limits.leftMs(), `remove ${resource.kind} ${resource.name || resource.id}`);
    if (idsOfLiveSessions(resource.session).has(candidate.id))
      return {
        ...resource,
        action: 'kept',
        proof: 'a session that is not proven dead has recorded it as its own',
      };
    const service =
      'labels' in candidate
        ? await removeServiceOf(engine, candidate.listed, carriesAllOf(candidate.labels))
        : undefined;
    if (service !== undefined) return { ...resource, action: 'kept', proof: service.reason };
    const { outcome, isAnother } = await removeIfOurs(engine, candidate, limits);
    if (isAnother) return { ...resource, action: 'kept', proof: 'another resource has reused its name' };
    return { ...resource, action: 'removed', outcome };
  } catch (error) {
    if (limits.signal?.aborted) throw limits.signal.reason;
    return {
      ...resource,
      action: 'failed',
      error: error instanceof Error ? error : new Error(messageOf(error)),
    };
  }
}

/** Resolves to the action that a sweep would take. */
export async function previewCandidate(engine: Engine, candidate: RemovalCandidate): Promise<SweptResource> {
  const { resource } = candidate;
  const step =
    'labels' in candidate
      ? await inspectServiceOf(engine, candidate.listed, carriesAllOf(candidate.labels))
      : undefined;
  return step?.type === 'leave'
    ? { ...resource, action: 'kept', proof: step.reason }
    : { ...resource, action: 'would-remove' };
}

const carriesAllOf = (wanted: readonly string[]) => (own: Readonly<Record<string, string>>) =>
  carriesLabels(own, wanted);

async function removeIfOurs(
  engine: Engine,
  candidate: RemovalCandidate,
  { leftMs, signal }: RemoveLimits,
): Promise<Pick<CleanupResult, 'outcome'> & { readonly isAnother: boolean }> {
  const options = { engine: engine.address, timeoutMs: Math.min(leftMs(), timeouts.cleanupMs), signal };
  if ('entry' in candidate) {
    const { kind, id, entry } = candidate;
    if (!(await isStillOurs(engine, entry, id))) return { outcome: 'already-gone', isAnother: false };
    const { bounds, identity } = entry;
    const result = await cleanupResource({ kind, id, bounds }, { ...options, identity });
    return { ...result, isAnother: false };
  }
  let isAnother = false;
  const matchesTarget = (labels: Readonly<Record<string, string>>): boolean => {
    isAnother = !carriesLabels(labels, candidate.labels) || !isSameCreation(labels, candidate.listed);
    return !isAnother;
  };
  let outcome: CleanupResult['outcome'] = 'already-gone';
  for (const ref of candidate.refs)
    ({ outcome } = await cleanupOne(candidate.kind, ref, { ...options, timeoutMs: leftMs(), matchesTarget }));
  return { outcome, isAnother };
}

/**
 * Returns the ids, or the names where there is no id yet, that the journals of sessions not proven dead
 * record on this machine. The next run may adopt a volume, or use a Compose project, with the name of the
 * last run's.
 *
 * @param besides - The session to leave out, because it is being swept.
 */
export function idsOfLiveSessions(besides?: string): ReadonlySet<string> {
  const prove = proveOwnersHere();
  const live = readAllJournals().filter(
    ({ session, owners }) => session !== besides && proveSession([], owners, prove).state !== 'dead',
  );
  const ids = live.flatMap(({ unfinished }) => unfinished.flatMap(({ id, name }) => [id, name]));
  return new Set(ids.filter((id) => id !== undefined));
}
