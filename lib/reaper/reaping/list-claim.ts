import { formatDuration } from '../../core/durations';
import { asError, messageOf } from '../../core/errors';
import { retryWithBackoff, RetryableError } from '../../core/retry';
import { withTimeout } from '../../core/timeout';
import type { Engine } from '../../engine/engine';
import { EngineError } from '../../engine/engine-error';
import { listTargets, type ListedTarget } from '../../engine/list-targets';
import { removableKinds } from '../../engine/removable-kind';
import { adoptionKey, adoptionsIn, listMarkers } from '../../resources/adoption';
import { sortOwned, type ProvenTarget, type UnclearTarget } from '../../resources/list-owned';
import { isCovered, type Claim } from '../leases/claim';
import { reapable } from './reap-plan';

/** The resources of a claim on an engine, at one moment. */
export interface ClaimListing {
  readonly found: readonly ListedTarget[];
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
  const { engineTimeoutMs, signal } = options;
  const { labels } = claim;
  const stop = new AbortController();
  let lastError: unknown;
  const listing = retryWithBackoff(
    async () => {
      const lists = await Promise.allSettled(
        removableKinds.map((kind) => listTargets(engine, labels, [kind])),
      );
      const failures = lists.flatMap((list) => (list.status === 'rejected' ? [asError(list.reason)] : []));
      lastError = failures.find(isAway);
      if (lastError !== undefined) throw new RetryableError();
      const listed = lists.flatMap((list) => (list.status === 'fulfilled' ? list.value : []));
      const [sorted] = await Promise.allSettled([sortOwned(engine, listed, labels, [])]);
      if (sorted.status === 'rejected') {
        lastError = sorted.reason;
        throw isAway(lastError) ? new RetryableError() : asError(lastError);
      }
      const { owned, unclear } = sorted.value;
      const covered = reapable(owned).filter((target) => isCovered(claim, target));
      // Listed last: a session inspects a resource again after it has created its marker.
      const [markers] = await Promise.allSettled([covered.length === 0 ? [] : listMarkers(engine)]);
      if (markers.status === 'rejected') {
        lastError = markers.reason;
        if (isAway(lastError)) throw new RetryableError();
        failures.push(asError(lastError));
      }
      const marked = markers.status === 'fulfilled' ? markers.value : undefined;
      const { found, adopted } = sortAdopted(covered, marked, claim);
      return {
        found,
        unclear: [...unclear.filter(({ target }) => isCovered(claim, target)), ...adopted],
        failures,
      };
    },
    { firstPauseMs: 50, maxPauseMs: 1_000, signal: stop.signal },
  );
  // After a timeout, its rejection has no other handler.
  listing.catch(() => {});
  try {
    const what = `list resources with ${labels.join(', ')}`;
    return await withTimeout(listing, { what, timeoutMs: engineTimeoutMs, signal });
  } catch (error) {
    throw lastError === undefined || signal.aborted
      ? error
      : new Error(`no engine for ${formatDuration(engineTimeoutMs)}: ${messageOf(lastError)}`, {
          cause: error,
        });
  } finally {
    stop.abort();
  }
}

function isAway(error: unknown): boolean {
  return error instanceof EngineError && error.meaning === 'engine-away';
}

/**
 * Separates the resources that other sessions have adopted. A reaper may be unable to prove that such a
 * session is dead, so it always keeps them; a sweep removes them once both sessions are dead. A marker that
 * the claim itself covers has no effect, and neither has one that is created between this listing and the
 * removal.
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
