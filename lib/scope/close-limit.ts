import { setImmediate as nextTurn } from 'node:timers/promises';
import { DeadlineError, startLimit } from '../core/deadline';
import { formatDuration } from '../core/durations';

/** What limits a close. */
export interface CloseLimitOptions {
  /** `close scope orders` */
  readonly what: string;
  /** For the whole close, in milliseconds. Default: none, until an item has not ended in time. */
  readonly timeoutMs?: number | undefined;
  /** For all the others once an item has not ended in time; then they start at once, and have 5 s more. */
  readonly restMs: number;
  /** The limit of the scope that closes this one. */
  readonly outer?: CloseLimit | undefined;
}

/** The longest part of a limit that is kept for items which have not started. */
const maxReserveMs = 1_000;
/** As long as a command may take to end by SIGKILL. */
const extraMs = 5_000;

/**
 * The time limit of a close, which a scope shares with the child scopes that it closes.
 * A short time before the limit, all remaining items are started at once.
 */
export class CloseLimit implements Disposable {
  readonly #options: CloseLimitOptions;
  readonly #hurry = new AbortController();
  readonly #lastCall = new AbortController();
  readonly #over = new AbortController();
  readonly #hurried = Promise.withResolvers<void>();
  readonly #ended = new AbortController();
  #hasStuck = false;
  #isStarted = false;

  constructor(options: CloseLimitOptions) {
    this.#options = options;
    const { timeoutMs, outer } = options;
    this.#hurry.signal.addEventListener('abort', () => this.#hurried.resolve(), { once: true });
    if (outer !== undefined) {
      follow(outer.hurry, this.#hurry, this.#ended.signal);
      follow(outer.lastCall, this.#lastCall, this.#ended.signal);
      follow(outer.over, this.#over, this.#ended.signal);
    }
    if (timeoutMs !== undefined) this.#start(timeoutMs, Math.min(maxReserveMs, timeoutMs / 4));
  }

  /** `close scope orders` */
  get what(): string {
    return this.#options.what;
  }

  /** Aborts when the remaining items are to start at once, and to take no more time than they must. */
  get hurry(): AbortSignal {
    return this.#hurry.signal;
  }

  /** Aborts shortly before the limit: requests that are still under way are given up. */
  get lastCall(): AbortSignal {
    return this.#lastCall.signal;
  }

  /** Aborts at the limit, with a `DeadlineError`. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /** Resolves when `work` has ended, or when the remaining items are to start. `work` must not reject. */
  async beforeNext(work: Promise<unknown>): Promise<void> {
    await Promise.race([work, this.#hurried.promise]);
  }

  /** Records that an item has not ended in time: the remaining items get a limit. */
  noteStuck(): void {
    this.#hasStuck = true;
    this.#options.outer?.noteStuck();
  }

  /** Called before each item: starts the limit of the remaining items if an earlier one has not ended in time. */
  startItem(): void {
    const { timeoutMs, restMs, outer } = this.#options;
    if (outer !== undefined) return outer.startItem();
    if (!this.#hasStuck || timeoutMs !== undefined || this.#isStarted || this.#ended.signal.aborted) return;
    this.#start(restMs + extraMs, extraMs, 'an earlier item had not ended in time');
  }

  /**
   * Resolves or rejects with `work`, which ends by itself at the limit; rejects with a `DeadlineError` if it does
   * not.
   */
  async within<T>(work: Promise<T>): Promise<T> {
    const { signal } = this.#over;
    const settled = new AbortController();
    const ended = new Promise<never>((_, reject) => {
      const onOver = (): void => void nextTurn().then(() => reject(signal.reason));
      if (signal.aborted) onOver();
      else signal.addEventListener('abort', onOver, { once: true, signal: settled.signal });
    });
    try {
      return await Promise.race([work, ended]);
    } finally {
      settled.abort();
    }
  }

  [Symbol.dispose](): void {
    this.#ended.abort();
  }

  #start(timeoutMs: number, reserveMs: number, finding?: string): void {
    this.#isStarted = true;
    const { what } = this.#options;
    const startTimer = (controller: AbortController, afterMs: number): (() => void) => {
      const near = afterMs < timeoutMs ? `its limit of ${formatDuration(timeoutMs)} is near` : undefined;
      const texts = [finding, near].filter((text) => text !== undefined);
      const reason = new DeadlineError(what, afterMs, { finding: texts.join('; ') || undefined });
      return startLimit({ what, timeoutMs: afterMs }, () => controller.abort(reason));
    };
    const stops = [
      startTimer(this.#hurry, timeoutMs - reserveMs),
      startTimer(this.#lastCall, timeoutMs - reserveMs / 2),
      startTimer(this.#over, timeoutMs),
    ];
    for (const stop of stops) this.#ended.signal.addEventListener('abort', stop, { once: true });
  }
}

function follow(outer: AbortSignal, inner: AbortController, ended: AbortSignal): void {
  const onAbort = (): void => inner.abort(outer.reason);
  if (outer.aborted) onAbort();
  else outer.addEventListener('abort', onAbort, { once: true, signal: ended });
}
