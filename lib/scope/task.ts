import { DeadlineError } from '../core/deadline';
import { formatDuration } from '../core/durations';
import { CastoffError, isCastoffError, messageOf } from '../core/errors';
import type { OptionNames } from '../core/option-names';
import { withTimeout } from '../core/timeout';
import { isCancellation } from './cancellation';
import type { CloseSettings } from './close-items';
import type { TaskRecord } from './task-record';

export interface TaskOptions {
  /** Time for the task, in milliseconds: then it is cancelled with a `DeadlineError`, which is what awaiting it throws. Default: no limit. */
  readonly timeoutMs?: number | undefined;
}

export const taskOptionNames: OptionNames<TaskOptions> = { timeoutMs: true };

/** Work to be done in the background; it has to end when `signal` aborts. */
export type Work<T> = (signal: AbortSignal) => T | PromiseLike<T>;

export interface TaskContext extends TaskOptions {
  /** The scope's. */
  readonly signal: AbortSignal;
  readonly source: string | undefined;
}

interface Failure {
  readonly error: unknown;
  readonly isCancellation: boolean;
}

/**
 * A task in the background, which its scope cancels and waits for. Awaiting it gives what it returns, or throws what it throws;
 * or the reason for which its signal aborted, as soon as that happens, unless the scope closes in good order.
 */
export class Task<T> implements PromiseLike<T> {
  /** @internal */
  readonly what: string;
  /** @internal */
  readonly source: string | undefined;
  readonly #name: string;
  readonly #scopeSignal: AbortSignal;
  readonly #startedAt = new Date();
  #endedAt: Date | undefined;
  #outcome: TaskRecord['outcome'] = 'running';
  /** How the work itself failed. */
  #failure: Failure | undefined;
  /** That it has not ended within its own limit. */
  #late: DeadlineError | undefined;
  /** What those who await it are told. */
  readonly #result: Promise<T>;
  readonly #ended: Promise<void>;
  readonly #gaveUp = Promise.withResolvers<never>();
  #isAwaited = false;

  /** @internal */
  constructor(name: string, work: Work<T>, surroundings: TaskContext) {
    const { signal: scopeSignal, source, timeoutMs } = surroundings;
    this.what = `task ${name}`;
    this.source = source;
    this.#name = name;
    this.#scopeSignal = scopeSignal;
    const over = new AbortController();
    const signal = timeoutMs === undefined ? scopeSignal : this.#limit(timeoutMs, over.signal);
    signal.addEventListener('abort', () => this.#leaveWaiting(signal), { once: true, signal: over.signal });
    const working = (async () => {
      signal.throwIfAborted();
      return work(signal);
    })();
    this.#ended = this.#end(working, signal).finally(() => over.abort());
    this.#result = Promise.race([working, this.#gaveUp.promise]);
    // Nobody may ever ask: the close of the scope tells then.
    this.#result.catch(() => undefined);
  }

  /** What is on record of it. */
  get record(): TaskRecord {
    return {
      name: this.#name,
      startedAt: this.#startedAt,
      endedAt: this.#endedAt,
      outcome: this.#outcome,
    };
  }

  /** @internal */
  get ended(): { readonly task: TaskRecord } {
    return { task: this.record };
  }

  /** Whoever awaits it is told of its failure: the close of the scope does not tell it again. */
  // oxlint-disable-next-line unicorn/no-thenable -- it is there to be awaited
  then<R = T, E = never>(
    onFulfilled?: ((value: T) => R | PromiseLike<R>) | null,
    onRejected?: ((reason: unknown) => E | PromiseLike<E>) | null,
  ): Promise<R | E> {
    this.#isAwaited = true;
    return this.#result.then(onFulfilled, onRejected);
  }

  /**
   * Waits for its end; its signal has been aborted.
   *
   * @throws CastoffError `TASK_STUCK` when it has not ended in time; else the failure that nobody has been told of, if any.
   * @internal
   */
  async close({ cleanupTimeoutMs }: Pick<CloseSettings, 'cleanupTimeoutMs'>): Promise<void> {
    const [end] = await Promise.allSettled([
      withTimeout(this.#ended, { what: this.what, timeoutMs: cleanupTimeoutMs }),
    ]);
    if (end.status === 'rejected') {
      this.#outcome = 'stuck';
      const stuck = this.#stuckError(cleanupTimeoutMs);
      this.#gaveUp.reject(stuck);
      throw stuck;
    }
    throwAll(await this.#untold());
  }

  #limit(timeoutMs: number, over: AbortSignal): AbortSignal {
    const limit = new AbortController();
    // It holds the process: the task is to be told.
    const timer = setTimeout(() => {
      this.#late = new DeadlineError(this.what, timeoutMs);
      limit.abort(this.#late);
    }, timeoutMs);
    const stop = (): void => clearTimeout(timer);
    over.addEventListener('abort', stop, { once: true });
    this.#scopeSignal.addEventListener('abort', stop, { once: true, signal: over });
    return AbortSignal.any([this.#scopeSignal, limit.signal]);
  }

  #leaveWaiting(signal: AbortSignal): void {
    // A scope that closes waits for its tasks, and so may others: what a task says on its way out is worth more than that.
    if (!isCastoffError(signal.reason, 'SCOPE_CLOSED')) this.#gaveUp.reject(signal.reason);
  }

  async #end(working: Promise<T>, signal: AbortSignal): Promise<void> {
    try {
      await working;
      this.#outcome = 'done';
    } catch (error) {
      this.#failure = { error, isCancellation: isCancellation(error, signal) };
      this.#outcome = this.#failure.isCancellation ? 'cancelled' : 'failed';
    }
    if (this.#late !== undefined) this.#outcome = 'failed';
    this.#endedAt = new Date();
  }

  /** What failed, beside being cancelled, and nobody who awaits it has been told. */
  async #untold(): Promise<readonly unknown[]> {
    const [told] = await Promise.allSettled([this.#result]);
    const wasTold = (error: unknown): boolean =>
      this.#isAwaited && told.status === 'rejected' && told.reason === error;
    const own = this.#failure?.isCancellation === false ? [this.#failure.error] : [];
    const late = this.#late === undefined ? [] : [this.#late];
    return [...own, ...late].filter((error) => !wasTold(error));
  }

  #stuckError(timeoutMs: number): CastoffError {
    const line = this.source === undefined ? '' : ` (${this.source})`;
    return new CastoffError(
      'TASK_STUCK',
      `${this.what}${line}: not ended ${formatDuration(timeoutMs)} after the scope told it to; have it end when its signal aborts`,
    );
  }
}

function throwAll(errors: readonly unknown[]): void {
  if (errors.length === 0) return;
  if (errors.length === 1) throw errors[0];
  throw new AggregateError(errors, errors.map(messageOf).join('; '));
}
