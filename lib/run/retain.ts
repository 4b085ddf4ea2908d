import { setTimeout as delay } from 'node:timers/promises';
import { isWithin, type BoundedLabels } from '../core/bounds';
import { isReaper, labelNames } from '../core/labels';
import { formatDuration } from '../core/durations';
import { withTimeout } from '../core/timeout';
import { connectEngine } from '../engine/connect';
import type { Engine } from '../engine/engine';
import { identityOf } from '../engine/identity';
import { EngineError } from '../engine/engine-error';
import { chooseReaper } from '../lease/reaper-choice';
import { takeLease } from '../lease/take-lease';
import { claimedLabels, claimLabels } from '../registry/claims';
import { recordedInJournal } from '../registry/recorded';
import { listOwned } from '../resources/list-owned';
import type { RecordedResource } from '../resources/ownership';
import { closeLeftovers } from '../session/close-leftovers';
import { retentionReady, type RetentionOrder } from './start-retention';
import { readJournals } from '../sweep/session-journals';

/** How long one answer of the engine is waited for. */
const answerTimeoutMs = 30_000;
/** How long a keeper that was asked to end goes on with the removals. */
const endTimeoutMs = 5_000;

/**
 * The keeper as a program of its own: holds the lease on what is left of a session until the time is over, somebody ends it, or
 * others have removed all of it; then removes what there is.
 */
export async function retainResources({
  session,
  owner,
  projects,
  forMs,
  lookMs,
}: RetentionOrder): Promise<void> {
  const engine = await connectEngine();
  const mode = chooseReaper(undefined, process.env['CASTOFF_REAPER']);
  const lease = await takeLease(mode, { engine, session, owner });
  for (const { labels, bounds } of projects) {
    await claimLabels(labels, bounds);
    await lease?.claim(labels, bounds);
  }
  process.stdout.write(`${retentionReady}\n`);
  const ending = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => ending.abort());
  for await (const _ of looks({ forMs, lookMs }, ending.signal))
    if (
      !(await isAnythingLeft(engine.within({ timeoutMs: answerTimeoutMs, signal: ending.signal }), session))
    )
      break;
  try {
    await withTimeout(closeLeftovers(engine, session, { recorded: recordedOf(session) }), {
      what: 'remove what was kept',
      signal: soonAfter(ending.signal),
    });
  } finally {
    // What is still there by then is the reaper's.
    await lease?.close();
  }
}

/** Aborts when a keeper that was asked to end has had its time. */
function soonAfter(asked: AbortSignal): AbortSignal {
  const limit = new AbortController();
  const wait = (): void => {
    const reason = new Error(`not all of it is gone after ${formatDuration(endTimeoutMs)}`);
    setTimeout(() => limit.abort(reason), endTimeoutMs);
  };
  if (asked.aborted) wait();
  else asked.addEventListener('abort', wait, { once: true });
  return limit.signal;
}

/** A moment after every pause, until the time is over or `signal` aborts. */
async function* looks(
  { forMs, lookMs }: Pick<RetentionOrder, 'forMs' | 'lookMs'>,
  signal: AbortSignal,
): AsyncGenerator<void> {
  const endsAt = performance.now() + forMs;
  for (let leftMs = forMs; leftMs > 0 && !signal.aborted; leftMs = endsAt - performance.now()) {
    // Rejects for the signal alone.
    await Promise.allSettled([delay(Math.min(leftMs, lookMs), undefined, { signal })]);
    yield;
  }
}

function recordedOf(session: string): readonly RecordedResource[] {
  return recordedInJournal(readJournals(session).unfinished);
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
    // An engine that is away may come back, with what is kept.
    if (error instanceof EngineError) return true;
    throw error;
  }
}
