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
import { boundsOfNote, isStillOurs } from './still-ours';
import type { SweptThing } from './sweep-report';

/** Something that is to go, and what has to hold of it at the moment of its removal. */
export type RemovalCandidate = Target & { readonly thing: Omit<SweptThing, 'action'> } & (
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
        readonly note: Unfinished;
      }
  );

/** For one of them: the rest of the time is for others. */
const mostMs = 30_000;

export interface RemoveLimits {
  readonly leftMs: () => number;
  readonly signal?: AbortSignal | undefined;
}

/** Removes it, unless it has become somebody else's. A failure is part of what it resolves to; it rejects for the signal alone. */
export async function removeCandidates(
  engine: Engine,
  condemned: RemovalCandidate,
  limits: RemoveLimits,
): Promise<SweptThing> {
  const { thing } = condemned;
  try {
    limits.signal?.throwIfAborted();
    checkTimeLeft(limits.leftMs(), `remove ${thing.kind} ${thing.name || thing.id}`);
    if (idsOfLiveSessions(thing.session).has(condemned.id))
      return { ...thing, action: 'kept', proof: 'a session that is not over has noted it as its own' };
    const service =
      'labels' in condemned
        ? await removeServiceOf(engine, condemned.listed, carriesAllOf(condemned.labels))
        : undefined;
    if (service !== undefined) return { ...thing, action: 'kept', proof: service.reason };
    const { outcome, isAnother } = await removeIfOurs(engine, condemned, limits);
    if (isAnother) return { ...thing, action: 'kept', proof: 'another thing has come under its name' };
    return { ...thing, action: 'removed', outcome };
  } catch (error) {
    if (limits.signal?.aborted) throw limits.signal.reason;
    return {
      ...thing,
      action: 'failed',
      error: error instanceof Error ? error : new Error(messageOf(error)),
    };
  }
}

/** What would become of it. */
export async function previewCandidates(engine: Engine, condemned: RemovalCandidate): Promise<SweptThing> {
  const { thing } = condemned;
  const step =
    'labels' in condemned
      ? await inspectServiceOf(engine, condemned.listed, carriesAllOf(condemned.labels))
      : undefined;
  return step?.type === 'leave'
    ? { ...thing, action: 'kept', proof: step.reason }
    : { ...thing, action: 'would-remove' };
}

const carriesAllOf = (wanted: readonly string[]) => (own: Readonly<Record<string, string>>) =>
  carriesLabels(own, wanted);

async function removeIfOurs(
  engine: Engine,
  condemned: RemovalCandidate,
  { leftMs, signal }: RemoveLimits,
): Promise<Pick<CleanupResult, 'outcome'> & { readonly isAnother: boolean }> {
  const options = { engine: engine.address, timeoutMs: Math.min(leftMs(), mostMs), signal };
  if ('note' in condemned) {
    const { note, id } = condemned;
    if (!(await isStillOurs(engine, note, id))) return { outcome: 'already-gone', isAnother: false };
    const bounds = boundsOfNote(note);
    const { identity } = note.present ?? {};
    const result = await cleanupResource({ ...condemned, bounds }, { ...options, identity });
    return { ...result, isAnother: false };
  }
  let isAnother = false;
  const isMeant = (labels: Readonly<Record<string, string>>): boolean => {
    isAnother = !carriesLabels(labels, condemned.labels) || !isSameCreation(labels, condemned.listed);
    return !isAnother;
  };
  let outcome: CleanupResult['outcome'] = 'already-gone';
  for (const ref of condemned.refs)
    ({ outcome } = await cleanupOne(condemned.kind, ref, { ...options, timeoutMs: leftMs(), isMeant }));
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
