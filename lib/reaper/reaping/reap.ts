import { availableParallelism } from 'node:os';
import { definedOnly } from '../../core/defined-only';
import { messageOf } from '../../core/errors';
import { isReaper } from '../../core/labels';
import { carriesLabels } from '../../engine/carries-labels';
import type { Engine } from '../../engine/engine';
import type { ListedTarget } from '../../engine/list-targets';
import { findAdopter } from '../../resources/adoption';
import { cleanupAll, type AttemptOptions } from '../../resources/cleanup-all';
import { AdoptedError } from '../../resources/cleanup-error';
import type { CleanupItem, Listing } from '../../resources/cleanup-item';
import type { ProvenTarget } from '../../resources/list-owned';
import { removeListed } from '../../resources/remove-listed';
import { clearServiceOf } from '../../resources/swarm-service';
import { isCovered, type Claim } from '../leases/claim';
import type { AuditEntry } from './audit';
import { listClaim, type ClaimListing } from './list-claim';
import { reapDefaults, type ReapOptions, type ReapSettings } from './reap-options';
import { countByKind, type ReapReport } from './reap-report';
import { checkRemovalLimit } from './removal-limit';

/**
 * A reaper often removes resources while other runs keep the machine busy. With a load of 25 on two
 * processors, 30 removals take 2.2 s sixteen at a time, 2.6 s eight at a time and 2.9 s all at once (Docker
 * 20.10.24, overlay2).
 */
const maxConcurrent = Math.max(16, 8 * availableParallelism());
/**
 * Resources may be created during the removals, so the claim is listed again at this interval, however long a
 * removal takes.
 */
const listEveryMs = 2_000;
/** Enough for a resource that is briefly busy, such as a network whose containers have just been removed. */
const maxQuickRemovals = 4;

/**
 * Removes every resource that `claim` covers, and lists again until no more are found: resources may be
 * created meanwhile, and a create request that was in flight when its client died finishes late. Failed
 * removals are retried with growing pauses while others go on. A reaper is never removed.
 *
 * Resolves to a report, even if the reaping ended early: because of `signal`, too many resources, or an
 * engine that stays unreachable. Never rejects.
 */
export async function reapClaim(
  engine: Engine,
  claim: Claim,
  options: ReapOptions = {},
): Promise<ReapReport> {
  const startedAtMs = performance.now();
  const settings: ReapSettings = { ...reapDefaults, ...definedOnly(options) };
  const { isDryRun, maxAttempts, maxRemovals, onAudit, requestTimeoutMs } = settings;
  const limited = engine.within({ timeoutMs: requestTimeoutMs });
  let failures: readonly Error[] = [];
  const list = async ({ stop }: AttemptOptions): Promise<Listing<ProvenTarget>> => {
    const listing = await listUntilShutdown(limited, claim, settings, stop);
    ({ failures } = listing);
    return listing;
  };
  const { items, cutShort = failures[0] } = await cleanupAll<ProvenTarget, AuditEntry['outcome']>(
    list,
    (target, { stop }) => removeOne(limited, target, claim, { ...settings, stop }),
    {
      ...settings,
      maxConcurrent,
      stuckMs: listEveryMs,
      // On a busy engine, removals take seconds; more at once would slow all of them.
      slotMs: requestTimeoutMs,
      listEveryMs,
      isListedOnce: isDryRun,
      retry: settings,
      maxRepeats: maxAttempts,
      refuse: (count) => checkRemovalLimit(count, maxRemovals),
      onSettled: (item) => onAudit?.(auditEntry(item, claim, settings)),
    },
  );
  const reason = cutShort === undefined ? undefined : messageOf(cutShort);
  // Those that were never tried are not reported, except for those to keep.
  const left = items.filter(
    ({ progress, attempts }) => progress === 'unclear' || (progress !== 'gone' && attempts > 0),
  );
  return {
    labels: claim.labels,
    removed: countByKind(items.flatMap(({ progress, target }) => (progress === 'gone' ? [target] : []))),
    left: left.map(({ target: { kind, id, name }, ...item }) => {
      return { kind, id, name, reason: item.reason || (reason ?? '') };
    }),
    cutShort: reason,
    isDryRun: isDryRun || undefined,
    durationMs: performance.now() - startedAtMs,
  };
}

async function removeOne(
  engine: Engine,
  target: ProvenTarget,
  claim: Claim,
  { isDryRun, requestTimeoutMs, stop }: ReapSettings & Pick<AttemptOptions, 'stop'>,
): Promise<AuditEntry['outcome']> {
  // Bounds never contain a service: its tasks come and go.
  const coversService = (own: ListedTarget['labels']): boolean =>
    claim.bounds === undefined && carriesLabels(own, claim.labels) && !isReaper(own);
  if (isDryRun) {
    await clearServiceOf(engine, target, coversService, true);
    return 'would-remove';
  }
  // Listed claims leave out what was adopted by then. Volumes go last, after all containers and networks.
  const adopter =
    target.kind === 'volume'
      ? await findAdopter(engine, target, (marker) => isCovered(claim, marker))
      : undefined;
  if (adopter !== undefined) throw new AdoptedError(target, adopter);
  const { result } = await removeListed(engine, target, {
    covers: (one) => isCovered(claim, one) && !isReaper(one.labels),
    coversService,
    verify: false,
    maxRemovals: maxQuickRemovals,
    callTimeoutMs: requestTimeoutMs,
    // An unanswered removal, an inspection of its effect, and a second removal.
    timeoutMs: 3 * requestTimeoutMs,
    stop,
  });
  return result.outcome;
}

function auditEntry(
  { target, progress, result = 'left', ...item }: CleanupItem<ProvenTarget, AuditEntry['outcome']>,
  claim: Claim,
  { lastHolder }: ReapSettings,
): AuditEntry {
  const { kind, id, name, labels } = target;
  const isGone = progress === 'gone';
  return {
    outcome: isGone ? result : 'left',
    kind,
    id,
    name,
    labels,
    claim: claim.key,
    lease: lastHolder,
    reason: isGone ? undefined : item.reason,
    durationMs: performance.now() - item.startedAtMs,
  };
}

/**
 * Lists the claim. A listing that a shutdown interrupts is repeated once, with the timeout of a single
 * request.
 */
async function listUntilShutdown(
  engine: Engine,
  claim: Claim,
  settings: ReapSettings,
  signal: AbortSignal,
): Promise<ClaimListing> {
  const { endSoon, requestTimeoutMs } = settings;
  if (endSoon?.aborted === false) {
    const either = AbortSignal.any([signal, endSoon]);
    try {
      return await listClaim(engine, claim, { ...settings, signal: either });
    } catch (error) {
      if (!endSoon.aborted || signal.aborted) throw error;
    }
  }
  const limits = endSoon === undefined ? settings : { engineTimeoutMs: requestTimeoutMs };
  return listClaim(engine, claim, { ...limits, signal });
}
