import { deadline } from '../core/deadline';
import { formatDuration } from '../core/durations';
import { CastoffError } from '../core/errors';
import { withTimeout, type TimeoutOptions } from '../core/timeout';
import { retryWithBackoff, RetryableError } from '../core/retry';
import type { CloseLimit } from './close-limit';
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

/**
 * Runs a check until it passes, for at most 2 s and the limit of the close, each call within `timeoutMs`. Reports the
 * last failure. After the limit, it is not run.
 */
export async function runCheck(
  { what, source, check }: Verification,
  timeoutMs: number,
  { hurry, over }: Pick<CloseLimit, 'hurry' | 'over'>,
): Promise<FinalizerEnd> {
  const startedAt = performance.now();
  const title = `verify ${what}`;
  let error: unknown;
  if (hurry.aborted) return { what: title, source, durationMs: 0, error: hurry.reason };
  const attempt = async (): Promise<void> => {
    error = await failureOf(title, check, { timeoutMs, signal: over });
    if (error !== undefined) throw new RetryableError();
  };
  using signal = deadline(retryForMs, { what: title, signal: hurry });
  // Rejects at the deadline; the check's own failure is more useful than that one.
  await Promise.allSettled([retryWithBackoff(attempt, { firstPauseMs: 5, maxPauseMs: 100, signal })]);
  return { what: title, source, durationMs: performance.now() - startedAt, error };
}

async function failureOf(
  what: string,
  check: Check,
  limits: Pick<TimeoutOptions, 'timeoutMs' | 'signal'>,
): Promise<unknown> {
  try {
    const result = await withTimeout((async () => check())(), { what, ...limits });
    if (result !== false) return undefined;
    const message = `still false ${formatDuration(retryForMs)} after cleanup finished`;
    return new CastoffError('CLEANUP_FAILED', `${what}: ${message}`);
  } catch (error) {
    return error ?? new Error(`it threw ${String(error)}`);
  }
}
