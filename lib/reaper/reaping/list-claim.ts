import { formatDuration } from '../../core/durations';
import { asError, messageOf } from '../../core/errors';
import { lastAttemptError } from '../../core/retry';
import { isReaper } from '../../core/labels';
import type { Engine } from '../../engine/engine';
import { EngineError } from '../../engine/engine-error';
import { listTargets, type ListedTarget } from '../../engine/list-targets';
import { readWhenBack } from '../../engine/read-when-back';
import { removableKinds } from '../../core/kinds';
import { adoptionKey, adoptionsIn, listMarkers } from '../../resources/adoption';
import { sortOwned, type ProvenTarget, type UnclearTarget } from '../../resources/list-owned';
import { isCovered, type Claim } from '../leases/claim';

/** The resources of a claim on an engine, at one moment. */
export interface ClaimListing {
  readonly found: readonly ProvenTarget[];
  /** Resources that may have inherited the labels from an image; they are kept. */
  readonly unclear: readonly UnclearTarget[];
  /** Why a kind could not be listed. The other kinds can still be removed. */
  readonly failures: readonly Error[];
}

/**
 * Lists the resources of all kinds that `claim` covers. Waits for an unreachable engine.
 *
 * @throws Error when the engine is unreachable for longer than `engineTimeoutMs`; the signal's reason when it
 * aborts.
 */
export async function listClaim(
  engine: Engine,
  claim: Pick<Claim, 'labels' | 'bounds'>,
  options: { readonly engineTimeoutMs: number; readonly signal: AbortSignal },
): Promise<ClaimListing> {
  const { engineTimeoutMs: timeoutMs, signal } = options;
  const what = `list resources with ${claim.labels.join(', ')}`;
  try {
    return await readWhenBack(() => listOnce(engine, claim), { what, timeoutMs, signal });
  } catch (error) {
    const cause = lastAttemptError(error);
    if (cause === error) throw error;
    throw new Error(`no engine for ${formatDuration(timeoutMs)}: ${messageOf(cause)}`, { cause: error });
  }
}

/** @throws EngineError when the engine is away. */
async function listOnce(engine: Engine, claim: Pick<Claim, 'labels' | 'bounds'>): Promise<ClaimListing> {
  const { labels } = claim;
  const [listed, failures] = await settle(removableKinds.map((kind) => listTargets(engine, labels, [kind])));
  const { owned, unclear } = await sortOwned(engine, listed.flat(), labels, []);
  const covered = owned.filter((target) => !isReaper(target.labels) && isCovered(claim, target));
  // Listed last: a session inspects a resource again after it has created its marker.
  const [[markers], unmarked] = await settle([covered.length === 0 ? [] : listMarkers(engine)]);
  const { found, adopted } = sortAdopted(covered, markers, claim);
  return {
    found,
    unclear: [...unclear.filter(({ target }) => isCovered(claim, target)), ...adopted],
    failures: [...failures, ...unmarked],
  };
}

/** Resolves to the results and the errors of `readings`. @throws EngineError when the engine is away. */
async function settle<T>(
  readings: readonly (T | Promise<T>)[],
): Promise<readonly [results: readonly T[], errors: readonly Error[]]> {
  const ends = await Promise.allSettled(readings);
  const errors = ends.flatMap((end) => (end.status === 'rejected' ? [asError(end.reason)] : []));
  const away = errors.find((error) => error instanceof EngineError && error.meaning === 'engine-away');
  if (away !== undefined) throw away;
  return [ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : [])), errors];
}

/**
 * Separates the resources that other sessions have adopted. A reaper may be unable to prove that such a
 * session is dead, so it always keeps them; a sweep removes them once both sessions are dead. A marker that
 * the claim itself covers has no effect. One that is created after this listing protects volumes only: their
 * markers are listed again right before each removal.
 *
 * @param markers - `undefined`: the engine cannot list volumes. Volumes are kept; other kinds are removed,
 * adopted or not.
 */
function sortAdopted(
  covered: readonly ProvenTarget[],
  markers: readonly ListedTarget[] | undefined,
  claim: Pick<Claim, 'labels' | 'bounds'>,
): { readonly found: readonly ProvenTarget[]; readonly adopted: readonly UnclearTarget[] } {
  if (markers === undefined) return { found: covered.filter(({ kind }) => kind !== 'volume'), adopted: [] };
  const adoptions = adoptionsIn(markers.filter((marker) => !isCovered(claim, marker)));
  const sessions = new Map(adoptions.map(({ key, session }) => [key, session]));
  return {
    found: covered.filter((target) => !sessions.has(adoptionKey(target))),
    adopted: covered.flatMap((target) => {
      const session = sessions.get(adoptionKey(target));
      return session === undefined ? [] : [{ target, reason: `session ${session} has adopted it` }];
    }),
  };
}
