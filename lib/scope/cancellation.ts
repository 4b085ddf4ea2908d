import { isCastoffError, readField } from '../core/errors';

/** Whether `error`, or a cause of it, reports no more than that `signal` cancelled the work. */
export function isCancellation(error: unknown, signal: AbortSignal): boolean {
  if (!signal.aborted) return false;
  const seen = new Set<unknown>();
  for (
    let current = error;
    current !== undefined && !seen.has(current);
    current = readField(current, 'cause')
  ) {
    if (current === signal.reason || readField(current, 'name') === 'AbortError') return true;
    // With a cause, it also reports a failed cleanup.
    if (isCastoffError(current, 'SCOPE_CLOSED') && readField(current, 'cause') === undefined) return true;
    seen.add(current);
  }
  return false;
}
