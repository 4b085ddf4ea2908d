import { labelNames } from '../core/labels';
import { checkTimeLeft } from '../core/timeout';
import { carriesLabels } from '../engine/carries-labels';
import type { Engine } from '../engine/engine';
import type { ListedTarget } from '../engine/list-targets';
import type { RegistryEntry } from '../registry/entry';
import { proveOwnersHere } from '../registry/owner';
import { cleanupOne, type CleanupOptions, type CleanupResult } from '../resources/cleanup-one';
import { cleanupResource } from '../resources/cleanup-resource';
import { isSameCreation } from '../resources/ownership';
import type { RemovalRules } from '../resources/removal-rules';
import { inspectServiceOf, removeServiceOf } from '../resources/swarm-service';
import type { ResourceVerdict } from './judge-session';
import { readAllJournals } from './session-journals';
import { proveSession } from './session-proof';
import { isStillOurs } from './still-ours';
import type { FoundResource } from './sweep-report';
import { sessionFilterOf } from './third-party-sessions';

/** A resource to remove: as listed on the engine, or as a journal names it. */
export type RemovalCandidate = { readonly resource: FoundResource } & (
  Pick<ResourceVerdict, 'target' | 'refs'> | { readonly entry: RegistryEntry }
);

/** The result of {@link removeCandidate}: of the removal, or the reason to keep the resource. */
export type CandidateEnd = { readonly result: CleanupResult } | { readonly keptReason: string };

/**
 * Removes a candidate unless it now belongs to another owner.
 *
 * @param options - Returns the options of the next removal, with the time that is left.
 * @throws CastoffError `CLEANUP_FAILED` when it could not be removed, or when no time is left; EngineError; the
 * reason of the signal.
 */
export async function removeCandidate(
  engine: Engine,
  candidate: RemovalCandidate,
  options: () => CleanupOptions,
): Promise<CandidateEnd> {
  const { session, kind, id, name } = candidate.resource;
  const { timeoutMs, signal } = options();
  signal?.throwIfAborted();
  if (timeoutMs !== undefined) checkTimeLeft(timeoutMs, `remove ${kind} ${name || id}`);
  if (idsOfLiveSessions(session).has(id))
    return { keptReason: 'a session that is not proven dead has recorded it as its own' };
  if ('entry' in candidate) return { result: await removeJournaled(engine, candidate, options()) };
  const { target, refs } = candidate;
  const ownerLabels = ownerLabelsOf(target.labels);
  const service = await removeServiceOf(engine, target.labels, (own) => carriesLabels(own, ownerLabels));
  if (service !== undefined) return { keptReason: service.reason };
  let isAnother = false;
  const matchesTarget: RemovalRules['matchesTarget'] = (own) => {
    isAnother = !carriesLabels(own, ownerLabels) || !isSameCreation(own, target.labels);
    return !isAnother;
  };
  let result = alreadyGone(candidate.resource);
  for (const ref of refs)
    result = await cleanupOne(target.kind, ref, { ...options(), engine: engine.address, matchesTarget });
  return isAnother ? { keptReason: 'another resource has reused its name' } : { result };
}

/** Resolves to why {@link removeCandidate} would keep a candidate; to `undefined` when it would remove it. */
export async function previewCandidate(
  engine: Engine,
  candidate: RemovalCandidate,
): Promise<string | undefined> {
  if ('entry' in candidate) return undefined;
  const { labels } = candidate.target;
  const ownerLabels = ownerLabelsOf(labels);
  const step = await inspectServiceOf(engine, labels, (own) => carriesLabels(own, ownerLabels));
  return step.type === 'leave' ? step.reason : undefined;
}

async function removeJournaled(
  engine: Engine,
  { resource, entry }: Extract<RemovalCandidate, { readonly entry: RegistryEntry }>,
  options: CleanupOptions,
): Promise<CleanupResult> {
  const { kind, id } = resource;
  if (!(await isStillOurs(engine, entry, id))) return alreadyGone(resource);
  const { bounds, identity } = entry;
  return cleanupResource({ kind, id, bounds }, { ...options, engine: engine.address, identity });
}

function alreadyGone({ kind, id }: FoundResource): CleanupResult {
  return { kind, id, outcome: 'already-gone', attempts: 0, durationMs: 0 };
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
