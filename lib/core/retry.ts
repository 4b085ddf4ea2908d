import pRetry from 'p-retry';

/** Thrown by an attempt that is to be made again after a pause. */
export class RetryableError extends Error {}

export interface RetryOptions {
  /** The first pause, in milliseconds; each next one is twice as long, up to `maxPauseMs`, with some randomness. */
  readonly firstPauseMs: number;
  readonly maxPauseMs: number;
  /** Ends the pauses, with its own reason. */
  readonly signal: AbortSignal;
  /** Whether its pauses hold the process. Default true. */
  readonly holdsProcess?: boolean | undefined;
}

/** Makes `attempt` again and again while it throws `TryAgain`; whatever else it throws is thrown. */
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
