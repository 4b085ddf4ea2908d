import { retryWithBackoff, RetryableError } from '../core/retry';
import { carriesLabels } from './carries-labels';
import { valueOf, type Engine } from './engine';
import { EngineError } from './engine-error';
import { parseEngineEvent, type EngineEvent } from './engine-event';
import { openEventStream } from './event-calls';
import { listTargets, type ListedTarget } from './list-targets';
import { removableKinds, type RemovableKind } from '../core/kinds';

/** What to watch, and until when. */
export interface WatchOptions {
  /**
   * Each `key` or `key=value`. They filter the listings and the events of containers. Events of other kinds
   * are not filtered, because they do not have labels on every engine: match their ids.
   */
  readonly labels: readonly string[];
  /** Default: all kinds. */
  readonly kinds?: readonly RemovableKind[] | undefined;
  /** Ends the watch. */
  readonly signal: AbortSignal;
}

/** An item of a watch: an event or a listing. */
export type WatchedEvent =
  | { readonly type: 'event'; readonly event: EngineEvent }
  /**
   * The resources that exist when the watch connects or reconnects; others are gone, or were created since.
   */
  | { readonly type: 'listing'; readonly targets: readonly ListedTarget[] };

const firstPauseMs = 50;
const maxPauseMs = 5_000;
/** A connection that lasted this long is reopened without a pause; after shorter ones, the pauses grow. */
const stableMs = 1_000;
const callTimeoutMs = 10_000;
const maxFailures = 5;

/**
 * Watches the engine's events, and reconnects for as long as the engine is away.
 *
 * Each connection starts with a listing, made after its stream was opened: it shows what happened while there
 * was no connection, and no event after it is missed. The watch does not keep the process alive, except while
 * a call waits for its response.
 *
 * Resolves when `signal` aborts.
 *
 * @param onItem - Receives one item after another; the watch waits for what it returns.
 * @throws EngineError `ENGINE_REFUSED` when the engine refuses, or fails five times in a row; errors of
 *   `onItem`.
 */
export async function watchEvents(
  engine: Engine,
  { labels, kinds = removableKinds, signal }: WatchOptions,
  onItem: (item: WatchedEvent) => void | Promise<void>,
): Promise<void> {
  const bounded = engine.within({ timeoutMs: callTimeoutMs, signal });
  let failures = 0;

  /** Passes on one listing, and the events after it until the stream ends. */
  const read = async (whileConnected: AbortSignal): Promise<void> => {
    const lines = valueOf(await openEventStream(bounded, { kinds, labels, signal: whileConnected }));
    const targets = await listTargets(bounded, labels, kinds);
    failures = 0;
    await onItem({ type: 'listing', targets });
    for await (const line of lines) {
      const event = parseEngineEvent(line);
      if (event === undefined) continue;
      if (event.kind === 'container' && !carriesLabels(event.labels, labels)) continue;
      await onItem({ type: 'event', event });
    }
  };
  const isRetryable = (error: unknown): boolean => {
    if (!(error instanceof EngineError) || error.meaning === 'refused') return false;
    if (error.meaning === 'engine-away') return true;
    failures += 1;
    return failures < maxFailures;
  };
  const connect = async (): Promise<void> => {
    const startedAt = performance.now();
    const disconnecting = new AbortController();
    try {
      await read(AbortSignal.any([signal, disconnecting.signal]));
    } catch (error) {
      throw isRetryable(error) ? new RetryableError('no events', { cause: error }) : error;
    } finally {
      disconnecting.abort();
    }
    if (performance.now() - startedAt < stableMs) throw new RetryableError('the events ended');
  };

  try {
    while (!signal.aborted)
      await retryWithBackoff(connect, { firstPauseMs, maxPauseMs, signal, holdsProcess: false });
  } catch (error) {
    // An abort during an attempt or a pause ends the watch without an error.
    if (!signal.aborted) throw error;
  }
}
