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

/** The failure of a check that returned `false`. */
const isFalse = Symbol('the check is false');

/**
 * Runs a check until it passes, for at most 2 s, each call within `timeoutMs`. Reports the last failure. Shortly
 * before the limit of the close, it is run once; after the limit, it is not run.
 */
export async function runCheck(
  { what, source, check }: Verification,
  timeoutMs: number,
  { hurry, over }: Pick<CloseLimit, 'hurry' | 'over'>,
): Promise<FinalizerEnd> {
  const startedAt = performance.now();
  const title = `verify ${what}`;
  if (over.aborted) return { what: title, source, durationMs: 0, error: over.reason };
  let failure: unknown;
  const attempt = async (): Promise<void> => {
    failure = await failureOf(title, check, { timeoutMs, signal: over });
    if (failure !== undefined) throw new RetryableError();
  };
  if (hurry.aborted) await Promise.allSettled([attempt()]);
  else {
    using signal = deadline(retryForMs, { what: title, signal: hurry });
    // Rejects at the deadline; the check's own failure is more useful than that one.
    await Promise.allSettled([retryWithBackoff(attempt, { firstPauseMs: 5, maxPauseMs: 100, signal })]);
  }
  const durationMs = performance.now() - startedAt;
  const error = failure === isFalse ? stillFalse(title, durationMs) : failure;
  return { what: title, source, durationMs, error };
}

function stillFalse(title: string, durationMs: number): CastoffError {
  const message = `still false ${formatDuration(durationMs)} after cleanup finished`;
  return new CastoffError('CLEANUP_FAILED', `${title}: ${message}`);
}

async function failureOf(
  what: string,
  check: Check,
  limits: Pick<TimeoutOptions, 'timeoutMs' | 'signal'>,
): Promise<unknown> {
  try {
    const result = await withTimeout((async () => check())(), { what, ...limits });
    return result === false ? isFalse : undefined;
  } catch (error) {
    return error ?? new Error(`it threw ${String(error)}`);
  }
}
