import { isCastoffError, messageOf } from '../../core/errors';
import { isReaper } from '../../core/labels';
import { carriesLabels } from '../../engine/carries-labels';
import type { Engine } from '../../engine/engine';
import { EngineError } from '../../engine/engine-error';
import type { ListedTarget } from '../../engine/list-targets';
import { CleanupError } from '../../resources/cleanup-error';
import { isCovered, type Claim } from '../leases/claim';
import { cleanupOne, type CleanupResult } from '../../resources/cleanup-one';
import { removalRefs, type ProvenTarget } from '../../resources/list-owned';
import { isSameCreation } from '../../resources/ownership';
import { removeServiceOf } from '../../resources/swarm-service';

/** The result of one attempt to remove a resource. */
export type RemovalAttempt =
  | { readonly type: 'gone'; readonly outcome: Exclude<CleanupResult['outcome'], 'skipped'> }
  /** `isFinal`: the engine refused, and would refuse again. */
  | { readonly type: 'failed'; readonly reason: string; readonly isFinal: boolean }
  /** A Swarm service without the claim's labels recreates it. */
  | { readonly type: 'left-to-service'; readonly reason: string }
  | { readonly type: 'engine-away'; readonly reason: string };

/** The claim, the timeout of one request, and a signal that ends the attempt. */
export interface RemovalAttemptOptions {
  readonly claim: Pick<Claim, 'labels' | 'bounds'>;
  readonly requestTimeoutMs: number;
  readonly stop: AbortSignal;
}

/** Enough for a resource that is briefly busy, such as a network whose containers have just been removed. */
const maxQuickRemovals = 4;

/**
 * Attempts to remove one resource; never rejects. A resource that has only a name is inspected right before.
 * One with an id is not: its labels cannot have changed since the listing, and an inspect waits for the
 * engine's locks behind every running removal and create (Docker 20.10.24 with a load of 25: 7 s each, while
 * 30 removals take 3 s). An image is removed with all its names.
 */
export async function reapOne(
  engine: Engine,
  target: ProvenTarget,
  rules: RemovalAttemptOptions,
): Promise<RemovalAttempt> {
  const { claim, requestTimeoutMs, stop } = rules;
  // The last check before the removal, wherever the target came from.
  if (!isReapable(target, claim)) {
    return { type: 'failed', reason: 'is not covered by the claim', isFinal: true };
  }
  // Bounds never contain a service: its tasks come and go.
  const matchesClaim = (own: ListedTarget['labels']): boolean =>
    claim.bounds === undefined && carriesLabels(own, claim.labels) && !isReaper(own);
  const service = await removeServiceOf(engine, target.labels, matchesClaim);
  if (service !== undefined) {
    const { reason, isFinal } = service;
    return isFinal ? { type: 'left-to-service', reason } : { type: 'failed', reason, isFinal };
  }
  const ids = removalRefs(target);
  let attempt: RemovalAttempt = { type: 'gone', outcome: 'already-gone' };
  for (const id of ids) {
    try {
      const { outcome } = await cleanupOne(target.kind, id, {
        connection: engine,
        // An id still identifies the listed resource; a volume's name may belong to another one by now.
        matchesTarget: (labels, { createdAt }) =>
          isReapable({ ...target, labels, createdAt }, claim) && isSameCreation(labels, target.labels),
        verify: false,
        maxRemovals: maxQuickRemovals,
        callTimeoutMs: requestTimeoutMs,
        // An unanswered removal, an inspection of its effect, and a second removal.
        timeoutMs: 3 * requestTimeoutMs,
        stop,
      });
      if (outcome !== 'skipped') attempt = { type: 'gone', outcome };
    } catch (error) {
      return failedAttempt(error);
    }
  }
  return attempt;
}

function isReapable(
  target: Pick<ListedTarget, 'kind' | 'id' | 'createdAt' | 'labels'>,
  claim: RemovalAttemptOptions['claim'],
): boolean {
  return isCovered(claim, target) && !isReaper(target.labels);
}

function failedAttempt(error: unknown): RemovalAttempt {
  const cause = error instanceof CleanupError ? error.cause : error;
  const reason =
    error instanceof CleanupError ? (error.evidence.engineWords ?? 'no answer') : messageOf(error);
  const isAway =
    isCastoffError(error, 'ENGINE_UNREACHABLE') ||
    (cause instanceof EngineError && cause.meaning === 'engine-away');
  if (isAway) return { type: 'engine-away', reason };
  const isFinal = cause instanceof EngineError && cause.meaning === 'refused';
  return { type: 'failed', reason, isFinal };
}
