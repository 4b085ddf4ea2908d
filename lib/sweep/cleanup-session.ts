import { claimKey } from '../core/bounds';
import { CastoffError, cleanupFailed } from '../core/errors';
import { labelNames } from '../core/labels';
import { checkOptionNames } from '../core/option-names';
import { connectEngine } from '../engine/connect';
import type { Engine } from '../engine/engine';
import { listTargets, type ListedTarget } from '../engine/list-targets';
import { recordedIn, type RegistryEntry } from '../registry/entry';
import { proveOwnersHere } from '../registry/owner';
import { cleanupOptionNames, type CleanupOptions, type CleanupResult } from '../resources/cleanup-one';
import { cleanupResource, type BoundedTarget } from '../resources/cleanup-resource';
import { proveOwnership } from '../resources/list-owned';
import { isSameCreation, type OwnershipProof, type RecordedResource } from '../resources/ownership';
import { cleanupMany } from '../resources/plan';
import { clearServiceOf } from '../resources/swarm-service';
import { findAdopted, type AdoptionReason } from './find-adopted';
import { isSessionId, readJournals, removeJournals } from './session-journals';
import { proveSession } from './session-proof';
import { isStillOurs } from './still-ours';
import { judgeSession, type JudgedSession } from './judge-session';
import { idsOfLiveSessions } from './remove-candidate';

/** Result of cleaning up a session that another process left behind. */
export interface SessionCleanup {
  readonly session: string;
  readonly results: readonly CleanupResult[];
}

/**
 * Finishes the cleanup of a session whose processes have ended: removes everything that carries its label on
 * the engine or is named in its journals on this machine, verifies that it is gone, and deletes the journals.
 * Resources that have reused the name of one of the session's, and running reapers, are kept.
 *
 * @param session - The id that the label `castoff.session` and `castoff ls` show.
 * @param options - As for {@link cleanupContainer}; `engine` is the engine to search for labels, in addition
 * to the engines that the journals name.
 * @throws CastoffError `CONFIG_INVALID` when a process of the session is alive, or cannot be proven dead;
 * `CLEANUP_FAILED` with every failure in `errors`: the journals are kept.
 */
export async function cleanupSession(session: string, options: CleanupOptions = {}): Promise<SessionCleanup> {
  checkOptionNames('clean up a session', options, cleanupOptionNames);
  if (!isSessionId(session)) {
    throw new CastoffError(
      'CONFIG_INVALID',
      `clean up a session: got ${JSON.stringify(session)}; give the id that \`castoff ls\` shows`,
    );
  }
  const journals = readJournals(session);
  const engines = await connectAll(options.engine, journals.unfinished);
  const recorded = recordedIn(journals.unfinished);
  const listings = await Promise.all(engines.map((engine) => findByLabel(engine, session, recorded)));
  const labelled = listings.flatMap(({ resources }) => resources);
  const proofs = new Map(listings.flatMap((listing) => [...listing.proofs]));
  const found = { session, resources: labelled, proofs, owners: journals.owners };
  const judged = judgeSession(found, proveOwnersHere(), { nowMs: Date.now() });
  if (labelled.length + journals.unfinished.length > 0) checkDead(session, judged);

  const liveIds = idsOfLiveSessions(session);
  const candidates = labelled.flatMap((target): readonly EngineTarget[] => {
    const verdict = judged.verdicts.find(({ resource }) => resource === target);
    if (verdict?.shouldRemove !== true || liveIds.has(target.id)) return [];
    const { kind, engine, listing } = target;
    return verdict.refs.map((id) => ({ kind, id, engine, listing }));
  });
  const targets = [...candidates, ...(await findJournaled(journals.unfinished, engines))];
  const adopted = new Map(listings.map(({ engine, adoptionReason }) => [engine, adoptionReason]));
  const own = unique(targets).filter(
    (target) => !liveIds.has(target.id) && adopted.get(target.engine)?.(target) === undefined,
  );
  const matchesTarget = (labels: ListedTarget['labels']) => labels[labelNames.session] === session;
  const results = await cleanupMany(own, async (target) => {
    if (target.listing !== undefined)
      await clearServiceOf(target.listing.engine, target.listing.target, matchesTarget);
    const listed = target.listing?.target;
    return cleanupResource(target, {
      ...options,
      engine: target.engine,
      identity: target.identity,
      matchesTarget: listed && ((labels) => isSameCreation(labels, listed.labels) && matchesTarget(labels)),
    });
  });
  const errors = results.filter((outcome) => outcome.error !== undefined).map((outcome) => outcome.error);
  if (errors.length > 0) {
    const count = `${errors.length} of ${results.length}`;
    throw cleanupFailed(`clean up session ${session}: ${count} resources could not be removed`, errors);
  }
  removeJournals(journals);
  return {
    session,
    results: results.map((outcome) => outcome.result).filter((result) => result !== undefined),
  };
}

type EngineTarget = BoundedTarget & {
  readonly engine: string;
  /** As recorded in the journal. */
  readonly identity?: string | undefined;
  /** Set when it was found by label. */
  readonly listing?: { readonly engine: Engine; readonly target: ListedTarget } | undefined;
};

/** Connects to the engine to search for labels, and to those that the journals name. */
async function connectAll(
  address: string | undefined,
  unfinished: readonly RegistryEntry[],
): Promise<readonly Engine[]> {
  const named = unfinished.map(({ engine }) => engine);
  const engines = await Promise.all([...new Set([address, ...named])].map((one) => connectEngine(one)));
  return [...new Set(engines)];
}

async function findByLabel(
  engine: Engine,
  session: string,
  recorded: readonly RecordedResource[],
): Promise<{
  readonly resources: readonly (ListedTarget & EngineTarget)[];
  readonly proofs: ReadonlyMap<ListedTarget, OwnershipProof>;
  readonly engine: string;
  readonly adoptionReason: AdoptionReason;
}> {
  const claim = [`${labelNames.session}=${session}`];
  const bySession = Map.groupBy(
    await listTargets(engine, [labelNames.session]),
    ({ labels }) => labels[labelNames.session] ?? '',
  );
  const resources = (bySession.get(session) ?? []).map((target) => ({
    ...target,
    engine: engine.address,
    listing: { engine, target },
  }));
  const prove = proveOwnersHere();
  const adoptionReason = findAdopted(
    [...bySession]
      .filter(([other]) => other !== session)
      .map(([other, ofOther]) => ({
        resources: ofOther,
        proof: proveSession(ofOther, isSessionId(other) ? readJournals(other).owners : [], prove),
        shouldRemove: false,
      })),
  );
  const proofs = await proveOwnership(engine, resources, claim, recorded);
  return { resources, proofs, engine: engine.address, adoptionReason };
}

// Includes this process: its session is removed by closing its scopes.
function checkDead(session: string, { shouldRemove, proof: { state, proof } }: JudgedSession): void {
  if (shouldRemove) return;
  const advice = state === 'alive' ? 'let it finish, or stop it first' : 'it may be alive';
  throw new CastoffError('CONFIG_INVALID', `clean up session ${session}: ${proof}; ${advice}`);
}

/**
 * Returns the resources that the journals name and that still exist. One that was not recorded as present is
 * found by label, or by name.
 */
async function findJournaled(
  unfinished: readonly RegistryEntry[],
  engines: readonly Engine[],
): Promise<readonly EngineTarget[]> {
  const found: EngineTarget[] = [];
  for (const entry of unfinished) {
    const { kind, name, id = name, identity, bounds } = entry;
    const engine = engines.find(({ address }) => address === entry.engine) ?? engines[0];
    if (id === undefined || engine === undefined) continue;
    if (await isStillOurs(engine, entry, id))
      found.push({ kind, id, identity, bounds, engine: engine.address });
  }
  return found;
}

function unique(targets: readonly EngineTarget[]): readonly EngineTarget[] {
  return [
    ...new Map(
      targets.map((target) => [
        `${target.engine} ${target.kind} ${claimKey([target.id], target.bounds)}`,
        target,
      ]),
    ).values(),
  ];
}
