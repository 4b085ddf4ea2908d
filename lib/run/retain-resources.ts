import { setTimeout as delay } from 'node:timers/promises';
import { isWithin, type BoundedLabels } from '../core/bounds';
import { isReaper, labelNames } from '../core/labels';
import { formatDuration } from '../core/durations';
import { withTimeout } from '../core/timeout';
import { timeouts } from '../core/timeouts';
import { connectEngine } from '../engine/connect';
import type { Engine } from '../engine/engine';
import { identityOf } from '../engine/identity';
import { EngineError } from '../engine/engine-error';
import { chooseReaper } from '../lease/reaper-choice';
import { takeLease } from '../lease/take-lease';
import { claimedLabels, claimLabels } from '../registry/claims';
import { recordedIn } from '../registry/entry';
import { listOwned } from '../resources/list-owned';
import type { RecordedResource } from '../resources/ownership';
import { closeLeftovers } from '../session/close-leftovers';
import { retentionReady, type RetentionRequest } from './start-retention';
import { readJournals } from '../sweep/session-journals';

/** How long the removal may take after a signal to end. */
const endTimeoutMs = 5_000;

/**
 * Holds the lease on a session's kept resources until the time expires, the process receives a signal to end,
 * or no resource is left; then removes the remaining ones. The main function of a retention process.
 *
 * @throws CastoffError `CLEANUP_FAILED` when resources are left; the reaper continues with them.
 */
export async function retainResources({
  session,
  owner,
  projects,
  forMs,
  checkIntervalMs,
}: RetentionRequest): Promise<void> {
  const engine = await connectEngine();
  const mode = chooseReaper();
  const lease = await takeLease(mode, { engine, session, owner });
  for (const { labels, bounds } of projects) {
    await claimLabels(labels, bounds);
    await lease?.claim(labels, bounds);
  }
  process.stdout.write(`${retentionReady}\n`);
  const ending = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => ending.abort());
  const checker = engine.within({ timeoutMs: timeouts.requestMs, signal: ending.signal });
  for await (const _ of checkTimes({ forMs, checkIntervalMs }, ending.signal))
    if (!(await isAnythingLeft(checker, session))) break;
  try {
    await withTimeout(closeLeftovers(engine, session, { recorded: recordedOf(session) }), {
      what: 'remove the kept resources',
      signal: shortlyAfter(ending.signal),
    });
  } finally {
    // The reaper removes the resources that are left.
    await lease?.close();
  }
}

/** Returns a signal that aborts `endTimeoutMs` after `ending`. */
function shortlyAfter(ending: AbortSignal): AbortSignal {
  const limit = new AbortController();
  const wait = (): void => {
    const reason = new Error(`not finished after ${formatDuration(endTimeoutMs)}`);
    setTimeout(() => limit.abort(reason), endTimeoutMs);
  };
  if (ending.aborted) wait();
  else ending.addEventListener('abort', wait, { once: true });
  return limit.signal;
}

/** Yields after each interval, until the time expires or `signal` aborts. */
async function* checkTimes(
  { forMs, checkIntervalMs }: Pick<RetentionRequest, 'forMs' | 'checkIntervalMs'>,
  signal: AbortSignal,
): AsyncGenerator<void> {
  const endsAt = performance.now() + forMs;
  for (let leftMs = forMs; leftMs > 0 && !signal.aborted; leftMs = endsAt - performance.now()) {
    // Rejects only when the signal aborts.
    await Promise.allSettled([delay(Math.min(leftMs, checkIntervalMs), undefined, { signal })]);
    yield;
  }
}

function recordedOf(session: string): readonly RecordedResource[] {
  return recordedIn(readJournals(session).unfinished);
}

async function isAnythingLeft(engine: Engine, session: string): Promise<boolean> {
  const recorded = recordedOf(session);
  try {
    const own: BoundedLabels = { labels: [`${labelNames.session}=${session}`] };
    for (const { labels, bounds = {} } of [own, ...claimedLabels()]) {
      const { owned } = await listOwned(engine, labels, { recorded });
      const isLeft = owned.some((target) => !isReaper(target.labels) && isWithin(identityOf(target), bounds));
      if (isLeft) return true;
    }
    return false;
  } catch (error) {
    // The engine may come back, with the kept resources.
    if (error instanceof EngineError) return true;
    throw error;
  }
}
