import { DeadlineError } from './deadline';
import { CastoffError } from './errors';

export interface TimeoutOptions {
  readonly what: string;
  /** In milliseconds; `undefined`: without a limit. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Less than this is no time in which an engine could do anything. */
const leastMs = 100;

/** @throws CastoffError `DEADLINE_EXCEEDED` where `leftMs` is too little to begin something: nothing of it was tried. */
export function checkTimeLeft(leftMs: number, what: string): void {
  if (leftMs < leastMs) throw new CastoffError('DEADLINE_EXCEEDED', `${what}: not tried: out of time`);
}

/**
 * Waits for `work`, but no longer than `timeoutMs`, and not past an abort of `signal`. It ends the waiting, not the work: a
 * removal that was sent goes on. Its timer holds the process, since somebody is waiting.
 *
 * @throws DeadlineError when the time is up; the signal's own reason when it aborts.
 */
export async function withTimeout<T>(work: Promise<T>, options: TimeoutOptions): Promise<T> {
  const { signal, timeoutMs, what } = options;
  const leaving = new AbortController();
  try {
    return await Promise.race([
      work,
      new Promise<never>((_, reject) => {
        if (timeoutMs !== undefined) {
          const timer = setTimeout(() => reject(new DeadlineError(what, timeoutMs)), timeoutMs);
          leaving.signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
        }
        if (signal?.aborted) reject(signal.reason);
        signal?.addEventListener('abort', () => reject(signal.reason), {
          once: true,
          signal: leaving.signal,
        });
      }),
    ]);
  } finally {
    leaving.abort();
  }
}
