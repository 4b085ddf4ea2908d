import { labelNames } from '../core/labels';
import { timeouts } from '../core/timeouts';
import { carriesLabels } from '../engine/carries-labels';
import type { Engine } from '../engine/engine';
import type { ListedTarget } from '../engine/list-targets';
import { readWhenBack } from '../engine/read-when-back';
import type { RegistryEntry } from '../registry/entry';
import { proveOwnersHere } from '../processes/owner';
import { findAdopter } from '../resources/adoption';
import { callTimeoutFor, type CleanupResult, type CleanupSettings } from '../resources/cleanup-one';
import { cleanupResource } from '../resources/compose-project';
import { removeListed } from '../resources/remove-listed';
import { clearServiceOf } from '../resources/swarm-service';
import type { ResourceVerdict } from './judge-session';
import { readAllJournals } from '../registry/session-journals';
import { proveSession } from './session-proof';
import { isStillOurs } from './still-ours';
import type { FoundResource } from './sweep-report';
import { sessionFilterOf } from './third-party-sessions';

/** A resource to remove: as listed on the engine, or as a journal names it. */
export type RemovalCandidate = { readonly resource: FoundResource } & (
  Pick<ResourceVerdict, 'target' | 'isBase'> | { readonly entry: RegistryEntry }
);

/** The result of {@link removeCandidate}: of the removal, or the reason to keep the resource. */
export type CandidateEnd = { readonly result: CleanupResult } | { readonly keptReason: string };

/** How candidates are removed. */
export interface CandidateSettings extends CleanupSettings {
  /** Names of the adoption markers that were judged with the candidates. */
  readonly knownMarkers: ReadonlySet<string>;
}

/**
 * Removes a candidate unless it now belongs to another owner.
 *
 * @throws CleanupError `CLEANUP_FAILED` when it could not be removed; ServiceKeptError when its Swarm service
 * is kept; EngineError; the reason of the signal.
 */
export async function removeCandidate(
  engine: Engine,
  candidate: RemovalCandidate,
  { knownMarkers, ...settings }: CandidateSettings,
): Promise<CandidateEnd> {
  const { session, kind, id } = candidate.resource;
  settings.signal?.throwIfAborted();
  if (idsOfLiveSessions(session).has(id))
    return { keptReason: 'a session that is not proven dead has recorded it as its own' };
  const { timeoutMs = timeouts.cleanupMs, signal } = settings;
  const endsAtMs = performance.now() + timeoutMs;
  const limits = (): CleanupSettings => ({
    ...settings,
    timeoutMs: Math.max(0, endsAtMs - performance.now()),
  });
  const limited = engine.within({ timeoutMs: callTimeoutFor(timeoutMs), signal });
  const read = <T>(ask: () => Promise<T>): Promise<T> =>
    readWhenBack(ask, {
      what: `find the owner of ${kind} ${id}`,
      timeoutMs: limits().timeoutMs,
      signal,
    });
  const adopter =
    kind === 'compose-project'
      ? undefined
      : await read(() => findAdopter(limited, { kind, id }, ({ name }) => knownMarkers.has(name)));
  if (adopter !== undefined) return { keptReason: `session ${adopter} has adopted it` };
  if ('entry' in candidate) {
    const { entry } = candidate;
    const { bounds, identity } = entry;
    const result: CleanupResult = (await read(() => isStillOurs(limited, entry, id)))
      ? await cleanupResource(engine, { kind, id, bounds }, { ...limits(), identity })
      : { kind, id, outcome: 'already-gone', attempts: 0, durationMs: 0 };
    return { result };
  }
  const { target, isBase } = candidate;
  const coversService = isOwnedLike(target);
  const covers = ({ labels }: Pick<ListedTarget, 'labels'>) => coversService(labels);
  const rules = { ...limits(), covers, coversService };
  const { result, isReplaced } = await removeListed(engine, { ...target, isBase }, rules);
  return isReplaced ? { keptReason: 'another resource has reused its name' } : { result };
}

/**
 * Resolves to the reason to keep the candidate; to `undefined` when {@link removeCandidate} would remove it.
 *
 * @throws ServiceKeptError when it would be kept with its Swarm service; EngineError.
 */
export async function previewCandidate(
  engine: Engine,
  candidate: RemovalCandidate,
): Promise<CandidateEnd | undefined> {
  if ('target' in candidate)
    await clearServiceOf(engine, candidate.target, isOwnedLike(candidate.target), true);
  else if (!(await isStillOurs(engine, candidate.entry, candidate.resource.id)))
    return { keptReason: 'it no longer exists, or another resource has its name' };
  return undefined;
}

function isOwnedLike({ labels }: ListedTarget): (own: ListedTarget['labels']) => boolean {
  const ownerLabels = ownerLabelsOf(labels);
  return (own) => carriesLabels(own, ownerLabels);
}

/** Returns the labels of the owner among `labels`, which a resource must still carry when it is removed. */
function ownerLabelsOf(labels: ListedTarget['labels']): readonly string[] {
  const { session, host, boot, pid, pidStart } = labelNames;
  const names = session in labels ? [session, host, boot, pid, pidStart] : [];
  const own = names.filter((name) => name in labels).map((name) => `${name}=${labels[name]}`);
  const thirdParty = own.length === 0 ? sessionFilterOf(labels) : undefined;
  return thirdParty === undefined ? own : [thirdParty];
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
    (journals) =>
      journals.session !== besides && proveSession({ resources: [], journals }, prove).state !== 'dead',
  );
  const ids = live.flatMap(({ unfinished }) => unfinished.flatMap(({ id, name }) => [id, name]));
  return new Set(ids.filter((id) => id !== undefined));
}
