import { retryWithBackoff, RetryableError } from '../core/retry';
import { carriesLabels } from './carries-labels';
import { valueOf, type Engine } from './engine';
import { EngineError } from './engine-error';
import { parseEngineEvent, type EngineEvent } from './engine-event';
import { removableKinds, type RemovableKind } from './removable-kind';
import { openEventStream } from './event-calls';
import { EventCursor } from './event-cursor';
import { ItemQueue } from './item-queue';
import { listTargets, type ListedTarget } from './list-targets';

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
  /**
   * The number of items that may be queued for the reader; beyond it, the watch reconnects, with a listing.
   * Default 10 000.
   */
  readonly maxQueuedItems?: number | undefined;
}

const defaults = Object.freeze({
  kinds: removableKinds,
  maxQueuedItems: 10_000,
});

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
 * Watches the engine's events, each delivered once, and reconnects as often as needed.
 *
 * Each connection starts with a listing, made after the stream was opened. The watch reconnects for as long
 * as the engine is away; events in between are delivered then if the engine can replay them, and the listing
 * covers the rest. The watch starts with the first `next()`, and ends when the loop over it ends or `signal`
 * aborts: at once, without an error, dropping queued items. It does not keep the process alive, except while
 * a call waits for its response.
 *
 * @throws EngineError `ENGINE_REFUSED` from `next()`, after queued items, when the engine refuses or fails
 *   five times in a row.
 */
export function watchEvents(engine: Engine, options: WatchOptions): AsyncIterableIterator<WatchedEvent> {
  return new EventWatch(engine, options);
}

class EventWatch implements AsyncIterableIterator<WatchedEvent> {
  readonly #engine: Engine;
  readonly #labels: readonly string[];
  readonly #kinds: readonly RemovableKind[];
  readonly #signal: AbortSignal;
  readonly #queue: ItemQueue<WatchedEvent>;
  readonly #ending = new AbortController();
  readonly #cursor = new EventCursor();
  #failures = 0;
  #running: Promise<void> | undefined;

  constructor(engine: Engine, options: WatchOptions) {
    this.#engine = engine.within({ timeoutMs: callTimeoutMs, signal: this.#ending.signal });
    this.#labels = options.labels;
    this.#kinds = options.kinds ?? defaults.kinds;
    this.#signal = options.signal;
    this.#queue = new ItemQueue(options.maxQueuedItems ?? defaults.maxQueuedItems);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<WatchedEvent, undefined>> {
    this.#running ??= this.#run();
    return this.#queue.take();
  }

  async return(): Promise<IteratorResult<WatchedEvent, undefined>> {
    this.#end();
    await this.#running;
    return { done: true, value: undefined };
  }

  #end(): void {
    this.#queue.end();
    this.#ending.abort();
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending;
    this.#signal.addEventListener('abort', () => this.#end(), { once: true, signal });
    if (this.#signal.aborted) this.#end();
    try {
      while (!signal.aborted) {
        await retryWithBackoff(() => this.#connect(), {
          firstPauseMs,
          maxPauseMs,
          signal,
          holdsProcess: false,
        });
      }
    } catch (error) {
      // An abort during an attempt or a pause ends the watch without an error.
      if (!signal.aborted) this.#queue.fail(error);
    } finally {
      this.#ending.abort();
    }
  }

  /** Reads one connection to its end; asks for a pause before the next one unless this one lasted. */
  async #connect(): Promise<void> {
    const startedAt = performance.now();
    const disconnecting = new AbortController();
    const disconnect = (): void => disconnecting.abort();
    this.#ending.signal.addEventListener('abort', disconnect, { once: true, signal: disconnecting.signal });
    try {
      await this.#read(disconnecting.signal);
    } catch (error) {
      throw this.#isRetryable(error) ? new RetryableError('no events', { cause: error }) : error;
    } finally {
      disconnect();
    }
    if (this.#queue.isFull) await this.#queue.untilEmpty();
    if (performance.now() - startedAt < stableMs) throw new RetryableError('the events ended');
  }

  /** Reads one stream until it ends, or the queue is full. */
  async #read(signal: AbortSignal): Promise<void> {
    const query = { kinds: this.#kinds, labels: this.#labels, since: this.#cursor.since, signal };
    const { lines, openedAtSecond } = valueOf(await openEventStream(this.#engine, query));
    const targets = await listTargets(this.#engine, this.#labels, this.#kinds);
    this.#failures = 0;
    if (this.#queue.isFull) return;
    this.#queue.put({ type: 'listing', targets });
    this.#cursor.connect(openedAtSecond);
    for await (const line of lines) {
      // The cursor has not recorded this event: the next connection replays it.
      if (this.#queue.isFull) return;
      const event = parseEngineEvent(line);
      if (event === undefined || !this.#cursor.take(event)) continue;
      if (event.kind === 'container' && !carriesLabels(event.labels, this.#labels)) continue;
      this.#queue.put({ type: 'event', event });
    }
  }

  #isRetryable(error: unknown): boolean {
    if (!(error instanceof EngineError) || error.meaning === 'refused') return false;
    if (error.meaning === 'engine-away') return true;
    this.#failures += 1;
    return this.#failures < maxFailures;
  }
}
