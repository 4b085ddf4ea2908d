import { startLimit, type Limit } from './deadline';
import { CastoffError } from './errors';

/** The limits of a wait. */
export interface TimeoutOptions extends Pick<Limit, 'what' | 'signal' | 'explain'> {
  /** In milliseconds. Default: no limit. */
  readonly timeoutMs?: number | undefined;
}

/** An engine gets nothing done in less time. */
const minTimeMs = 100;

/** @throws CastoffError `DEADLINE_EXCEEDED` when `leftMs` milliseconds are too few to start an operation. */
export function checkTimeLeft(leftMs: number, what: string): void {
  if (leftMs < minTimeMs) throw new CastoffError('DEADLINE_EXCEEDED', `${what}: not tried: out of time`);
}

/**
 * Resolves or rejects with `work`, unless the timeout expires or `signal` aborts first.
 *
 * This ends the wait, not the work: a removal that was sent continues. The timer keeps the process alive.
 *
 * @throws DeadlineError `DEADLINE_EXCEEDED` when the timeout expires; the signal's own reason when it aborts.
 */
export async function withTimeout<T>(work: Promise<T>, options: TimeoutOptions): Promise<T> {
  const { timeoutMs, ...limit } = options;
  const { signal } = limit;
  const settled = new AbortController();
  try {
    return await Promise.race([
      work,
      new Promise<never>((_, reject) => {
        if (timeoutMs !== undefined) {
          const stop = startLimit({ ...limit, timeoutMs }, reject);
          settled.signal.addEventListener('abort', stop, { once: true });
        }
        if (signal?.aborted) reject(signal.reason);
        signal?.addEventListener('abort', () => reject(signal.reason), {
          once: true,
          signal: settled.signal,
        });
      }),
    ]);
  } finally {
    settled.abort();
  }
}
