import { retryWithBackoff, RetryableError } from '../core/retry';
import { carriesLabels } from './carries-labels';
import { valueOf, type Engine } from './engine';
import { EngineError } from './engine-error';
import { parseEngineEvent, type EngineEvent } from './engine-event';
import type { RemovableKind } from './removable-kind';
import { openEventStream } from './event-calls';
import { EventCursor } from './event-cursor';
import { ItemQueue } from './item-queue';
import { listTargets, type ListedTarget } from './list-targets';

export interface WatchOptions {
  /**
   * Each `key` or `key=value`. They narrow the listings, and the events of containers; other events do not carry labels on
   * every engine, and all of them come: match their ids.
   */
  readonly labels: readonly string[];
  /** Default: all. */
  readonly kinds?: readonly RemovableKind[] | undefined;
  /** Ends the watch. */
  readonly signal: AbortSignal;
  /** How many items may wait for the reader; with more the watch begins anew, with a listing. Default 10 000. */
  readonly maxQueuedItems?: number | undefined;
}

const defaults = Object.freeze({
  kinds: ['container', 'network', 'volume', 'image'] satisfies RemovableKind[],
  maxQueuedItems: 10_000,
});

export type WatchedEvent =
  | { readonly type: 'event'; readonly event: EngineEvent }
  /** What there was when the watch connected, or connected again: what it lacks is gone, or has been made since. */
  | { readonly type: 'listing'; readonly targets: readonly ListedTarget[] };

const firstPauseMs = 50;
const maxPauseMs = 5_000;
/** A connection that lasted so long is made again without a pause; one that did not, after a longer one each time. */
const steadyMs = 1_000;
const answerTimeoutMs = 10_000;
const mostFailures = 5;

/**
 * Tells what happens on the engine, as it happens and each thing once, over all the connections that this takes.
 *
 * Each connection begins with a listing, taken when the stream is open already. A broken one is made again, for as long as
 * the engine is away; what happened in between is told then, as far as the engine remembers it, and the listing has the
 * rest. The watch begins with the first `next()`, and ends when the loop over it does or `signal` aborts: then it is done at
 * once, without an error, and what waits is dropped. It does not hold the process, beyond a call that waits for its answer.
 *
 * @throws EngineError `ENGINE_REFUSED` from `next()`, after what waits: the engine said no, or could not five times in a row.
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
    this.#engine = engine.within({ timeoutMs: answerTimeoutMs, signal: this.#ending.signal });
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
      // An end in the middle of an attempt or a pause is an end like any other.
      if (!signal.aborted) this.#queue.fail(error);
    } finally {
      this.#ending.abort();
    }
  }

  /** One connection, from its opening to its end; tries again at once only after one that has lasted. */
  async #connect(): Promise<void> {
    const startedAt = performance.now();
    const leaving = new AbortController();
    const leave = (): void => leaving.abort();
    this.#ending.signal.addEventListener('abort', leave, { once: true, signal: leaving.signal });
    try {
      await this.#read(leaving.signal);
    } catch (error) {
      throw this.#isPassing(error) ? new RetryableError('no events', { cause: error }) : error;
    } finally {
      leave();
    }
    if (this.#queue.isFull) await this.#queue.untilEmpty();
    if (performance.now() - startedAt < steadyMs) throw new RetryableError('the events ended');
  }

  /** Reads one stream until it breaks, or more waits than may. */
  async #read(signal: AbortSignal): Promise<void> {
    const question = { kinds: this.#kinds, labels: this.#labels, since: this.#cursor.since, signal };
    const { lines, openedAtSecond } = valueOf(await openEventStream(this.#engine, question));
    const targets = await listTargets(this.#engine, this.#labels, this.#kinds);
    this.#failures = 0;
    if (this.#queue.isFull) return;
    this.#queue.put({ type: 'listing', targets });
    this.#cursor.connect(openedAtSecond);
    for await (const line of lines) {
      // Left to the next connection, the cursor has not taken it.
      if (this.#queue.isFull) return;
      const event = parseEngineEvent(line);
      if (event === undefined || !this.#cursor.take(event)) continue;
      if (event.kind === 'container' && !carriesLabels(event.labels, this.#labels)) continue;
      this.#queue.put({ type: 'event', event });
    }
  }

  #isPassing(error: unknown): boolean {
    if (!(error instanceof EngineError) || error.meaning === 'refused') return false;
    if (error.meaning === 'engine-away') return true;
    this.#failures += 1;
    return this.#failures < mostFailures;
  }
}
