import { retryWithin } from '../core/retry';
import type { TimeoutOptions } from '../core/timeout';
import { EngineError } from './engine-error';

/**
 * Reads from an engine, and tries again with growing pauses while the engine is away, busy or failing.
 *
 * @throws EngineError when the engine refuses; DeadlineError `DEADLINE_EXCEEDED` when the timeout expires,
 * with the last error of `read` as its cause; the signal's own reason when it aborts; other errors of `read`.
 */
export function readWhenBack<T>(read: () => Promise<T>, limits: TimeoutOptions): Promise<T> {
  return retryWithin(read, { ...limits, firstPauseMs: 50, maxPauseMs: 1_000, isTemporary });
}

function isTemporary(error: unknown): boolean {
  return error instanceof EngineError && error.meaning !== 'refused';
}
