import { messageOf } from '../core/errors';
import { checkTimeLeft } from '../core/timeout';
import { carriesLabels } from '../engine/carries-labels';
import type { Engine } from '../engine/engine';
import type { RemovableKind } from '../engine/removable-kind';
import { proveOwnersHere } from '../registry/owner';
import type { Unfinished } from '../registry/unfinished';
import { cleanupOne, type CleanupResult } from '../resources/cleanup-one';
import { cleanupResource } from '../resources/cleanup-resource';
import { isSameCreation } from '../resources/ownership';
import type { Target } from '../resources/plan';
import { inspectServiceOf, removeServiceOf } from '../resources/swarm-service';
import { readAllJournals } from './session-journals';
import { proveSession } from './session-proof';
import { boundsOfRecord, isStillOurs } from './still-ours';
import type { SweptResource } from './sweep-report';

/** Something that is to go, and what has to hold of it at the moment of its removal. */
export type RemovalCandidate = Target & { readonly resource: Omit<SweptResource, 'action'> } & (
    | {
        readonly kind: RemovableKind;
        /** What it has to carry still. */
        readonly labels: readonly string[];
        /** The references by which to remove it, in this order. */
        readonly refs: readonly string[];
        /** All labels of its listing. */
        readonly listed: Readonly<Record<string, string>>;
      }
    | {
        /** The journal's note on it. */
        readonly record: Unfinished;
      }
  );

/** For one of them: the rest of the time is for others. */
const maxRemovalMs = 30_000;

export interface RemoveLimits {
  readonly leftMs: () => number;
  readonly signal?: AbortSignal | undefined;
}

/** Removes it, unless it has become somebody else's. A failure is part of what it resolves to; it rejects for the signal alone. */
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
      return { ...resource, action: 'kept', proof: 'a session that is not over has journaled it as its own' };
    const service =
      'labels' in candidate
        ? await removeServiceOf(engine, candidate.listed, carriesAllOf(candidate.labels))
        : undefined;
    if (service !== undefined) return { ...resource, action: 'kept', proof: service.reason };
    const { outcome, isAnother } = await removeIfOurs(engine, candidate, limits);
    if (isAnother) return { ...resource, action: 'kept', proof: 'another thing has come under its name' };
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

/** What would become of it. */
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
  const options = { engine: engine.address, timeoutMs: Math.min(leftMs(), maxRemovalMs), signal };
  if ('record' in candidate) {
    const { record, id } = candidate;
    if (!(await isStillOurs(engine, record, id))) return { outcome: 'already-gone', isAnother: false };
    const bounds = boundsOfRecord(record);
    const { identity } = record.present ?? {};
    const result = await cleanupResource({ ...candidate, bounds }, { ...options, identity });
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
 * The ids, and where there is none yet the names, of what sessions that are not proven dead have noted on this machine: the
 * next run adopts a volume, or takes up a Compose project, under the name that the last one used.
 *
 * @param besides - The session that is being swept.
 */
export function idsOfLiveSessions(besides?: string): ReadonlySet<string> {
  const prove = proveOwnersHere();
  const living = readAllJournals().filter(
    ({ session, owners }) => session !== besides && proveSession([], owners, prove).state !== 'dead',
  );
  const ids = living.flatMap(({ unfinished }) =>
    unfinished.flatMap(({ present, name }) => [present?.id, name]),
  );
  return new Set(ids.filter((id) => id !== undefined));
}
