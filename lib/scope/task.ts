import { startLimit, type DeadlineError } from '../core/deadline';
import { formatDuration } from '../core/durations';
import { CastoffError, isCastoffError, throwAll } from '../core/errors';
import type { OptionNames } from '../core/option-names';
import { withTimeout } from '../core/timeout';
import { explainTimeout, recordDuration } from '../durations/duration-history';
import { trackActivity } from './activities';
import { isCancellation } from './cancellation';
import type { CloseSettings } from './close-options';
import type { TaskRecord } from './close-report';
import { removeCreations } from './remove-creations';
import { runInTask, TaskCreations } from './task-creations';
import { TaskResource } from './task-resource';

/** Options of `scope.spawn`. */
export interface TaskOptions {
  /** Limit in milliseconds: cancels the task, and awaiting it throws a `DeadlineError`. Default: none. */
  readonly timeoutMs?: number | undefined;
}

/** Every name in `TaskOptions`, to reject unknown options. */
export const taskOptionNames: OptionNames<TaskOptions> = { timeoutMs: true };

/** Background work, which must end when `signal` aborts. */
export type Work<T> = (signal: AbortSignal) => T | PromiseLike<T>;

/** The options of a task with its scope's signal. */
export interface TaskContext extends TaskOptions {
  /** The scope's signal. */
  readonly signal: AbortSignal;
  /** The scope's name. */
  readonly scope: string;
  readonly source: string | undefined;
}

interface Failure {
  readonly error: unknown;
  readonly isCancellation: boolean;
}

/**
 * A background task, which its scope cancels and waits for. Awaiting it returns what the work returns, or
 * throws what it throws. If its signal aborts first, awaiting it throws the signal's reason at once, unless
 * the abort comes from closing the scope.
 */
export class Task<T> implements PromiseLike<T> {
  /** @internal */
  readonly what: string;
  /** @internal */
  readonly source: string | undefined;
  /** @internal */
  readonly resource: TaskResource;
  readonly #name: string;
  readonly #scopeSignal: AbortSignal;
  readonly #startedAt = new Date();
  #endedAt: Date | undefined;
  #abortedAtMs: number | undefined;
  #outcome: TaskRecord['outcome'] = 'running';
  /** The failure of the work itself. */
  #failure: Failure | undefined;
  /** Set when the task's own time limit expires. */
  #deadlineError: DeadlineError | undefined;
  /** Settles for callers that await the task, possibly before the work ends. */
  readonly #result: Promise<T>;
  readonly #ended: Promise<void>;
  readonly #creations = new TaskCreations();
  readonly #abandoned = Promise.withResolvers<never>();
  #isAwaited = false;

  /** @internal */
  constructor(name: string, work: Work<T>, context: TaskContext) {
    const { signal: scopeSignal, scope, source, timeoutMs } = context;
    this.what = `task ${name}`;
    this.source = source;
    this.#name = name;
    this.#scopeSignal = scopeSignal;
    this.resource = new TaskResource(this);
    const finished = new AbortController();
    const history = `task ${scope} ${name}`;
    const signal =
      timeoutMs === undefined ? scopeSignal : this.#withTimeLimit(timeoutMs, history, finished.signal);
    signal.addEventListener('abort', () => this.#rejectOnAbort(signal), {
      once: true,
      signal: finished.signal,
    });
    const working = (async () => {
      signal.throwIfAborted();
      return runInTask(this.#creations, () => work(signal));
    })();
    const untrack = this.#track(context.scope);
    this.#ended = this.#recordEnd(working, signal).finally(() => {
      finished.abort();
      untrack();
    });
    this.#result = Promise.race([working, this.#abandoned.promise]);
    // If it is never awaited, the close of the scope reports its failure.
    this.#result.catch(() => undefined);
  }

  /** Its current state; after it has ended, its outcome. */
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

  /** Awaiting the task receives its failure, which the close of the scope then does not report again. */
  // oxlint-disable-next-line unicorn/no-thenable -- it is there to be awaited
  then<R = T, E = never>(
    onFulfilled?: ((value: T) => R | PromiseLike<R>) | null,
    onRejected?: ((reason: unknown) => E | PromiseLike<E>) | null,
  ): Promise<R | E> {
    this.#isAwaited = true;
    return this.#result.then(onFulfilled, onRejected);
  }

  /**
   * Waits for the task to end, until `cleanupTimeoutMs` after its signal was aborted: several tasks that do not
   * end are waited for at the same time. Then removes what its docker commands created.
   *
   * @throws CastoffError `TASK_STUCK` when it does not end in time; else its failure, if awaiting it did not
   * report that; `CLEANUP_FAILED` when a resource could not be removed.
   * @internal
   */
  async close(settings: CloseSettings): Promise<void> {
    const errors: unknown[] = [];
    try {
      await this.#join(settings);
    } catch (error) {
      errors.push(error);
    }
    errors.push(...(await removeCreations(this, this.#creations.take(), settings)));
    throwAll(`${this.what}: ${errors.length} failures`, errors);
  }

  async #join({ cleanupTimeoutMs, limit }: CloseSettings): Promise<void> {
    const waitedMs = (): number => performance.now() - (this.#abortedAtMs ?? performance.now());
    const timeoutMs = Math.max(0, cleanupTimeoutMs - waitedMs());
    const wait = withTimeout(this.#ended, { what: this.what, timeoutMs, signal: limit.over });
    const [end] = await Promise.allSettled([wait]);
    if (end.status === 'rejected') {
      this.#outcome = 'stuck';
      const stuck = this.#stuckError(limit.over.aborted ? waitedMs() : cleanupTimeoutMs);
      this.#abandoned.reject(stuck);
      throw stuck;
    }
    const errors = await this.#unreportedErrors();
    throwAll(`${this.what}: ${errors.length} failures`, errors);
  }

  #track(scope: string): () => void {
    const state = (): 'running' | 'stuck' => (this.#outcome === 'stuck' ? 'stuck' : 'running');
    const known = { kind: 'task', what: this.what, scope, source: this.source } as const;
    return trackActivity({
      ...known,
      startedAt: this.#startedAt,
      get state() {
        return state();
      },
    });
  }

  /** @param history - Its name in the history of durations. */
  #withTimeLimit(timeoutMs: number, history: string, finished: AbortSignal): AbortSignal {
    const expiry = new AbortController();
    const signal = AbortSignal.any([this.#scopeSignal, expiry.signal]);
    const explain = (): string | undefined => explainTimeout(history, { limitMs: timeoutMs });
    const limit = { what: this.what, timeoutMs, signal: this.#scopeSignal, explain };
    const onExpired = (error: DeadlineError): void => expiry.abort((this.#deadlineError = error));
    const stop = startLimit(limit, onExpired, signal);
    const startedAt = performance.now();
    const onFinished = (): void => {
      stop();
      const isInTime = this.#outcome === 'done' && !signal.aborted;
      if (isInTime) recordDuration(history, performance.now() - startedAt);
    };
    finished.addEventListener('abort', onFinished, { once: true });
    this.#scopeSignal.addEventListener('abort', stop, { once: true, signal: finished });
    return signal;
  }

  #rejectOnAbort(signal: AbortSignal): void {
    this.#abortedAtMs = performance.now();
    // A closing scope waits for its tasks, and callers can too: the task's own result is worth more.
    if (!isCastoffError(signal.reason, 'SCOPE_CLOSED')) this.#abandoned.reject(signal.reason);
  }

  async #recordEnd(working: Promise<T>, signal: AbortSignal): Promise<void> {
    try {
      await working;
      this.#outcome = 'done';
    } catch (error) {
      this.#failure = { error, isCancellation: isCancellation(error, signal) };
      this.#outcome = this.#failure.isCancellation ? 'cancelled' : 'failed';
    }
    if (this.#deadlineError !== undefined) this.#outcome = 'failed';
    this.#endedAt = new Date();
  }

  /** Returns failures other than a cancellation that awaiting the task has not reported. */
  async #unreportedErrors(): Promise<readonly unknown[]> {
    const [result] = await Promise.allSettled([this.#result]);
    const isReported = (error: unknown): boolean =>
      this.#isAwaited && result.status === 'rejected' && result.reason === error;
    const own = this.#failure?.isCancellation === false ? [this.#failure.error] : [];
    const late = this.#deadlineError === undefined ? [] : [this.#deadlineError];
    return [...own, ...late].filter((error) => !isReported(error));
  }

  #stuckError(timeoutMs: number): CastoffError {
    const line = this.source === undefined ? '' : ` (${this.source})`;
    return new CastoffError(
      'TASK_STUCK',
      `${this.what}${line}: still running ${formatDuration(timeoutMs)} after its signal aborted; end it when the signal aborts`,
    );
  }
}
