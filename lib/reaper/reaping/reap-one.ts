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

/** How one try to remove one thing ended. */
export type TryEnd =
  | { readonly type: 'gone'; readonly outcome: Exclude<CleanupResult['outcome'], 'skipped'> }
  /** `isFinal`: the engine refuses, and would again. */
  | { readonly type: 'failed'; readonly reason: string; readonly isFinal: boolean }
  /** A Swarm service that does not carry the claim's labels recreates it. */
  | { readonly type: 'left-to-service'; readonly reason: string }
  | { readonly type: 'engine-away'; readonly reason: string };

export interface TryRules {
  readonly claim: Pick<Claim, 'labels' | 'bounds'>;
  readonly requestTimeoutMs: number;
  readonly stop: AbortSignal;
}

/** What is busy for a moment (a network whose containers have just gone) is free after these. */
const quickRemovals = 4;

/**
 * Tries to remove one thing; never rejects. What has a name only is looked at once more right before. What has an id is not: it
 * has the labels of its listing for ever, and an inspect waits for the engine's locks behind every removal and create that is
 * under way (Docker 20.10.24 with a load of 25: 7 s each, where 30 removals take 3 s). An image goes with all its names.
 */
export async function reapOne(engine: Engine, target: ProvenTarget, rules: TryRules): Promise<TryEnd> {
  const { claim, requestTimeoutMs, stop } = rules;
  // Whatever has brought it here: the last look before something goes for good.
  if (!isMeant(target, claim)) {
    return { type: 'failed', reason: 'is not covered by the claim', isFinal: true };
  }
  // A service is in no bounds: its tasks come and go.
  const isServiceMeant = (own: ListedTarget['labels']): boolean =>
    claim.bounds === undefined && carriesLabels(own, claim.labels) && !isReaper(own);
  const service = await removeServiceOf(engine, target.labels, isServiceMeant);
  if (service !== undefined) {
    const { reason, isFinal } = service;
    return isFinal ? { type: 'left-to-service', reason } : { type: 'failed', reason, isFinal };
  }
  const ids = removalRefs(target);
  let end: TryEnd = { type: 'gone', outcome: 'already-gone' };
  for (const id of ids) {
    try {
      const { outcome } = await cleanupOne(target.kind, id, {
        connection: engine,
        // What has an id has the identity of its listing; a volume may be another one by now.
        matchesTarget: (labels, { createdAt }) =>
          isMeant({ ...target, labels, createdAt }, claim) && isSameCreation(labels, target.labels),
        verify: false,
        maxRemovals: quickRemovals,
        callTimeoutMs: requestTimeoutMs,
        // One that is not answered, the look at what came of it, and a second one.
        timeoutMs: 3 * requestTimeoutMs,
        stop,
      });
      if (outcome !== 'skipped') end = { type: 'gone', outcome };
    } catch (error) {
      return failedTry(error);
    }
  }
  return end;
}

function isMeant(
  target: Pick<ListedTarget, 'kind' | 'id' | 'createdAt' | 'labels'>,
  claim: TryRules['claim'],
): boolean {
  return isCovered(claim, target) && !isReaper(target.labels);
}

function failedTry(error: unknown): TryEnd {
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
