import pRetry from 'p-retry';
import { DeadlineError } from './deadline';
import { withTimeout, type TimeoutOptions } from './timeout';

/** Thrown by an attempt to request a retry after a pause. */
export class RetryableError extends Error {}

interface RetryOptions {
  /** The first pause, in milliseconds; doubled after each attempt up to `maxPauseMs`, with jitter. */
  readonly firstPauseMs: number;
  readonly maxPauseMs: number;
  /** Ends the retries; its reason is the rejection. */
  readonly signal: AbortSignal;
  /** Whether pauses keep the process alive. Default true. */
  readonly holdsProcess?: boolean | undefined;
}

/** Retries `attempt` for as long as it throws `RetryableError`; rejects with any other error. */
export function retryWithBackoff<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  return pRetry(attempt, {
    retries: Number.POSITIVE_INFINITY,
    minTimeout: options.firstPauseMs,
    maxTimeout: options.maxPauseMs,
    factor: 2,
    randomize: true,
    signal: options.signal,
    unref: options.holdsProcess === false,
    shouldRetry: ({ error }) => error instanceof RetryableError,
  });
}

interface RetryWithinOptions extends TimeoutOptions, Pick<RetryOptions, 'firstPauseMs' | 'maxPauseMs'> {
  /** Returns whether another attempt may succeed. */
  readonly isTemporary: (error: unknown) => boolean;
}

/**
 * Retries `attempt` while its errors are temporary.
 *
 * @throws the first error that is not temporary; DeadlineError `DEADLINE_EXCEEDED` when the timeout expires,
 * with the last temporary error as its cause; the signal's own reason when it aborts.
 */
export async function retryWithin<T>(attempt: () => Promise<T>, options: RetryWithinOptions): Promise<T> {
  const { firstPauseMs, maxPauseMs, isTemporary, ...limits } = options;
  const stop = new AbortController();
  let lastError: unknown;
  const attemptOnce = async (): Promise<T> => {
    try {
      return await attempt();
    } catch (error) {
      if (!isTemporary(error)) throw error;
      lastError = error;
      throw new RetryableError();
    }
  };
  try {
    const retrying = retryWithBackoff(attemptOnce, { firstPauseMs, maxPauseMs, signal: stop.signal });
    return await withTimeout(retrying, limits);
  } catch (error) {
    const isOurs = error instanceof DeadlineError && error !== limits.signal?.reason;
    if (isOurs && lastError !== undefined)
      throw new DeadlineError(error.what, error.timeoutMs, { cause: lastError });
    throw error;
  } finally {
    stop.abort();
  }
}

/** Returns the last temporary error of an attempt that `retryWithin` timed out on, or else `error` itself. */
export function lastAttemptError(error: unknown): unknown {
  return error instanceof DeadlineError ? (error.cause ?? error) : error;
}
