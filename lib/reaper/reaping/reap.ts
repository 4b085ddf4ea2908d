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

/** Things may come while others go: so often it looks again, however long a removal takes. */
const lookEveryMs = 2_000;
/** How long nothing may go before a reaper that was asked to end gives up the rest. */
const lastRoundQuietMs = 3_000;

/**
 * Removes everything that carries all labels of `claim`, and looks again until nothing more is found: things may be created
 * while it reaps, and a create that was under way when its client died comes late. What cannot be removed is tried again with
 * growing pauses while others go. A reaper is never removed.
 *
 * Resolves to what came of it, also where it was cut short: by `signal`, by more things than may be removed, by an engine that
 * stays away. Never rejects.
 */
export async function reapClaim(
  engine: Engine,
  claim: Claim,
  options: ReapOptions = {},
): Promise<ReapReport> {
  const startedAtMs = performance.now();
  const settings = resolveReapOptions(options);
  const patient = engine.within({ timeoutMs: settings.requestTimeoutMs });
  const stop = new AbortController();
  const { signal = stop.signal } = settings;
  const ending = AbortSignal.any([signal, stop.signal]);
  const reaping: Reaping = {
    claim,
    settings,
    work: new RemovalQueue(patient, claim, settings, ending),
    look: () => lookUntilTheEnd(patient, claim, settings, ending),
    signal: ending,
  };
  let cutShort: string | undefined;
  try {
    cutShort = settings.isDryRun ? await listOnly(reaping) : await reapAll(reaping);
  } catch (error) {
    cutShort = messageOf(error);
  }
  // What is still tried again is given up; what was sent is seen to its end.
  stop.abort();
  await reaping.work.settled();
  return {
    labels: claim.labels,
    removed: countByKind(reaping.work.gone()),
    left: reaping.work.left(cutShort),
    cutShort,
    isDryRun: settings.isDryRun || undefined,
    durationMs: performance.now() - startedAtMs,
  };
}

/** A look that the end of the reaper interrupts is made once more, with an engine that answers at once. */
async function lookUntilTheEnd(
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
  readonly work: RemovalQueue;
  readonly look: () => Promise<ClaimListing>;
  readonly signal: AbortSignal;
}

async function listOnly({ look, settings, work }: Reaping): Promise<string | undefined> {
  const { found, failures } = await look();
  const refusal = checkRemovalLimit(found.length, settings.mostRemovals);
  if (refusal !== undefined) return refusal;
  for (const target of found) await work.pretend(target);
  return failures[0]?.message;
}

/** Resolves to why it was cut short. */
async function reapAll({ look, settings, work, signal }: Reaping): Promise<string | undefined> {
  const { mostRemovals, settlePausesMs, settledAtMs, endSoon } = settings;
  let emptyLooks = 0;
  let hasMadeLastRound = false;
  for (;;) {
    const isEnding = endSoon?.aborted === true;
    const askedAtMs = performance.now();
    const { found: listed, unclear, failures } = await look();
    for (const one of unclear) work.keep(one);
    const found = work.sift(listed, askedAtMs).filter((target) => work.progressOf(target) !== 'left');
    const fresh = found.filter((target) => work.progressOf(target) === undefined);
    const refusal = checkRemovalLimit(work.starts + fresh.length, mostRemovals);
    if (refusal !== undefined) return refusal;
    if (found.length > 0 || work.isBusy) {
      emptyLooks = 0;
      if (hasMadeLastRound) return `the reaper was asked to end, and ${found.length} things are still there`;
      await (isEnding ? removeWhileTheyGo(found, work, signal) : removeAll(found, work, signal));
      hasMadeLastRound = isEnding;
      continue;
    }
    const isSettled = askedAtMs >= settledAtMs && work.starts === 0;
    const pauseMs = settlePausesMs[emptyLooks];
    if (pauseMs === undefined || isSettled || isEnding) return failures[0]?.message;
    emptyLooks += 1;
    await waitFor(new Promise(() => {}), pauseMs, signal);
  }
}

/** Removes what was found, until all of it has ended or it is time for another look. */
function removeAll(found: readonly ListedTarget[], work: RemovalQueue, signal: AbortSignal): Promise<void> {
  const endsAtMs = performance.now() + lookEveryMs;
  return removeUntil(found, work, { endsAtMs: () => endsAtMs, signal });
}

/** Removes what was found, until all of it has ended or nothing has gone for a while. */
function removeWhileTheyGo(
  found: readonly ListedTarget[],
  work: RemovalQueue,
  signal: AbortSignal,
): Promise<void> {
  const startedAtMs = performance.now();
  const endsAtMs = (): number => Math.max(startedAtMs, work.lastGoneAtMs) + lastRoundQuietMs;
  return removeUntil(found, work, { endsAtMs, signal });
}

async function removeUntil(
  found: readonly ListedTarget[],
  work: RemovalQueue,
  { endsAtMs, signal }: { readonly endsAtMs: () => number; readonly signal: AbortSignal },
): Promise<void> {
  for (;;) {
    const ended = work.nextEnd();
    const isStalled = work.quietMs > lookEveryMs;
    work.start(chooseNext(found, (target) => work.progressOf(target), isStalled));
    const leftMs = endsAtMs() - performance.now();
    if (!work.isBusy || leftMs <= 0) return;
    await waitFor(ended, leftMs, signal);
  }
}

/** Resolves when `event` has, or after so long. @throws the signal's reason */
async function waitFor(event: Promise<unknown>, mostMs: number, signal: AbortSignal): Promise<void> {
  try {
    await withTimeout(event, { what: 'wait', timeoutMs: mostMs, signal });
  } catch (error) {
    if (signal.aborted || !isCastoffError(error, 'DEADLINE_EXCEEDED')) throw error;
  }
}
