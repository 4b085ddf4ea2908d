import pRetry from 'p-retry';

/** Thrown by an attempt to request a retry after a pause. */
export class RetryableError extends Error {}

/** The pauses between attempts, and what ends them. */
export interface RetryOptions {
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
