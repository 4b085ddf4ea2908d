import { deadline } from '../core/deadline';
import { formatDuration } from '../core/durations';
import { CastoffError } from '../core/errors';
import { withTimeout } from '../core/timeout';
import { retryWithBackoff, RetryableError } from '../core/retry';
import type { FinalizerEnd } from './close-report';

/** Whether something is so: `false`, or what it throws, says no. */
export type Check = () => unknown;

/** Something that has to be so when everything in the scope has ended. */
export interface Verification {
  readonly what: string;
  readonly source: string | undefined;
  readonly check: Check;
}

/** What is on its way out when the cleanup is over, such as a port in the kernel, has this long to go. */
const patienceMs = 2_000;

/** Asks until it is so, at most for a short while. A single answer may take `timeoutMs`. */
export async function runCheck(
  { what, source, check }: Verification,
  timeoutMs: number,
): Promise<FinalizerEnd> {
  const startedAt = performance.now();
  const title = `verify ${what}`;
  let error: unknown;
  const ask = async (): Promise<void> => {
    error = await failureOf(title, check, timeoutMs);
    if (error !== undefined) throw new RetryableError();
  };
  const signal = deadline(patienceMs, { what: title });
  // Where it ends by the deadline, the last answer tells more.
  await Promise.allSettled([retryWithBackoff(ask, { firstPauseMs: 5, maxPauseMs: 100, signal })]);
  return { what: title, source, durationMs: performance.now() - startedAt, error };
}

async function failureOf(what: string, check: Check, timeoutMs: number): Promise<unknown> {
  try {
    const answer = await withTimeout((async () => check())(), { what, timeoutMs });
    if (answer !== false) return undefined;
    const words = `it is not so, also ${formatDuration(patienceMs)} after all else has ended`;
    return new CastoffError('CLEANUP_FAILED', `${what}: ${words}`);
  } catch (error) {
    return error ?? new Error(`it threw ${String(error)}`);
  }
}
