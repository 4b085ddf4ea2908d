import { deadline } from '../core/deadline';
import { formatDuration } from '../core/durations';
import { CastoffError } from '../core/errors';
import { withTimeout } from '../core/timeout';
import { retryWithBackoff, RetryableError } from '../core/retry';
import type { FinalizerEnd } from './close-report';

/** Fails when it returns or resolves to `false`, throws or rejects; any other result passes. */
export type Check = () => unknown;

/** A check that runs after everything in the scope has been cleaned up. */
export interface Verification {
  readonly what: string;
  readonly source: string | undefined;
  readonly check: Check;
}

/** Some effects of a cleanup are late: the kernel may take a moment to close a port. */
const retryForMs = 2_000;

/** Runs a check until it passes, for at most 2 s, each call within `timeoutMs`. Reports the last failure. */
export async function runCheck(
  { what, source, check }: Verification,
  timeoutMs: number,
): Promise<FinalizerEnd> {
  const startedAt = performance.now();
  const title = `verify ${what}`;
  let error: unknown;
  const attempt = async (): Promise<void> => {
    error = await failureOf(title, check, timeoutMs);
    if (error !== undefined) throw new RetryableError();
  };
  const signal = deadline(retryForMs, { what: title });
  // Rejects at the deadline; the check's own failure is more useful than that one.
  await Promise.allSettled([retryWithBackoff(attempt, { firstPauseMs: 5, maxPauseMs: 100, signal })]);
  return { what: title, source, durationMs: performance.now() - startedAt, error };
}

async function failureOf(what: string, check: Check, timeoutMs: number): Promise<unknown> {
  try {
    const result = await withTimeout((async () => check())(), { what, timeoutMs });
    if (result !== false) return undefined;
    const message = `still false ${formatDuration(retryForMs)} after cleanup finished`;
    return new CastoffError('CLEANUP_FAILED', `${what}: ${message}`);
  } catch (error) {
    return error ?? new Error(`it threw ${String(error)}`);
  }
}
