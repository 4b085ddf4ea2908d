import { isCastoffError, messageOf } from '../../core/errors';
import { withTimeout } from '../../core/timeout';
import type { Engine } from '../../engine/engine';
import type { ListedTarget } from '../../engine/list-targets';
import { checkRemovalLimit } from './removal-limit';
import type { Claim } from '../leases/claim';
import { listClaim, type ClaimListing } from './list-claim';
import { resolveReapOptions, type ReapOptions, type ReapSettings } from './reap-options';
import { chooseNext, countByKind } from './reap-plan';
import type { ReapReport } from './reap-report';
import { RemovalQueue } from './removal-queue';

/**
 * Resources may be created during the removals, so the claim is listed again at this interval, however long a
 * removal takes.
 */
const listEveryMs = 2_000;
/** How long a reaper that was asked to shut down waits for the next removal to succeed. */
const lastRoundIdleMs = 3_000;

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
  const settings = resolveReapOptions(options);
  const limitedEngine = engine.within({ timeoutMs: settings.requestTimeoutMs });
  const stop = new AbortController();
  const { signal = stop.signal } = settings;
  const stopSignal = AbortSignal.any([signal, stop.signal]);
  const reaping: Reaping = {
    claim,
    settings,
    queue: new RemovalQueue(limitedEngine, claim, settings, stopSignal),
    list: () => listUntilShutdown(limitedEngine, claim, settings, stopSignal),
    signal: stopSignal,
  };
  let cutShort: string | undefined;
  try {
    cutShort = settings.isDryRun ? await dryRun(reaping) : await reapAll(reaping);
  } catch (error) {
    cutShort = messageOf(error);
  }
  // Ends the retries; removals that were sent are awaited.
  stop.abort();
  await reaping.queue.settled();
  return {
    labels: claim.labels,
    removed: countByKind(reaping.queue.removed()),
    left: reaping.queue.left(cutShort),
    cutShort,
    isDryRun: settings.isDryRun || undefined,
    durationMs: performance.now() - startedAtMs,
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

interface Reaping {
  readonly claim: Claim;
  readonly settings: ReapSettings;
  readonly queue: RemovalQueue;
  readonly list: () => Promise<ClaimListing>;
  readonly signal: AbortSignal;
}

/** Resolves to the reason why the dry run ended early, if it did. */
async function dryRun({ list, settings, queue }: Reaping): Promise<string | undefined> {
  const { found, failures } = await list();
  const refusal = checkRemovalLimit(found.length, settings.maxRemovals);
  if (refusal !== undefined) return refusal;
  for (const target of found) await queue.dryRun(target);
  return failures[0]?.message;
}

/** Resolves to the reason why the reaping ended early, if it did. */
async function reapAll({ list, settings, queue, signal }: Reaping): Promise<string | undefined> {
  const { maxRemovals, settlePausesMs, settledAtMs, endSoon } = settings;
  let emptyListings = 0;
  let isLastRoundDone = false;
  for (;;) {
    const isShuttingDown = endSoon?.aborted === true;
    const requestedAtMs = performance.now();
    const { found: listed, unclear, failures } = await list();
    for (const target of unclear) queue.skip(target);
    const found = queue
      .filterRemoved(listed, requestedAtMs)
      .filter((target) => queue.progressOf(target) !== 'left');
    const newTargets = found.filter((target) => queue.progressOf(target) === undefined);
    const refusal = checkRemovalLimit(queue.startCount + newTargets.length, maxRemovals);
    if (refusal !== undefined) return refusal;
    if (found.length > 0 || queue.isBusy) {
      emptyListings = 0;
      if (isLastRoundDone) return `the reaper was asked to shut down; resources left: ${found.length}`;
      await (isShuttingDown ? removeWhileProgressing(found, queue, signal) : removeAll(found, queue, signal));
      isLastRoundDone = isShuttingDown;
      continue;
    }
    const isSettled = requestedAtMs >= settledAtMs && queue.startCount === 0;
    const pauseMs = settlePausesMs[emptyListings];
    if (pauseMs === undefined || isSettled || isShuttingDown) return failures[0]?.message;
    emptyListings += 1;
    await waitFor(new Promise(() => {}), pauseMs, signal);
  }
}

/** Removes `found` until all attempts have ended, or it is time to list again. */
function removeAll(found: readonly ListedTarget[], queue: RemovalQueue, signal: AbortSignal): Promise<void> {
  const endsAtMs = performance.now() + listEveryMs;
  return removeUntil(found, queue, { endsAtMs: () => endsAtMs, signal });
}

/** Removes `found` until all attempts have ended, or no removal has succeeded for a while. */
function removeWhileProgressing(
  found: readonly ListedTarget[],
  queue: RemovalQueue,
  signal: AbortSignal,
): Promise<void> {
  const startedAtMs = performance.now();
  const endsAtMs = (): number => Math.max(startedAtMs, queue.lastRemovedAtMs) + lastRoundIdleMs;
  return removeUntil(found, queue, { endsAtMs, signal });
}

async function removeUntil(
  found: readonly ListedTarget[],
  queue: RemovalQueue,
  { endsAtMs, signal }: { readonly endsAtMs: () => number; readonly signal: AbortSignal },
): Promise<void> {
  for (;;) {
    const ended = queue.nextAttemptEnd();
    const isStalled = queue.idleMs > listEveryMs;
    queue.start(chooseNext(found, (target) => queue.progressOf(target), isStalled));
    const leftMs = endsAtMs() - performance.now();
    if (!queue.isBusy || leftMs <= 0) return;
    await waitFor(ended, leftMs, signal);
  }
}

/** Resolves when `event` does, or after `timeoutMs`. @throws the signal's reason */
async function waitFor(event: Promise<unknown>, timeoutMs: number, signal: AbortSignal): Promise<void> {
  try {
    await withTimeout(event, { what: 'wait', timeoutMs, signal });
  } catch (error) {
    if (signal.aborted || !isCastoffError(error, 'DEADLINE_EXCEEDED')) throw error;
  }
}
