import { isCastoffError } from '../core/errors';

/**
 * Whether `error` only reports that `signal` cancelled the work: the signal's reason, an `AbortError` or
 * `SCOPE_CLOSED`, possibly as the cause of another error.
 */
export function isCancellation(error: unknown, signal: AbortSignal): boolean {
  if (!signal.aborted) return false;
  const seen = new Set<unknown>();
  for (
    let current = error;
    current !== undefined && !seen.has(current);
    current = property(current, 'cause')
  ) {
    if (current === signal.reason || property(current, 'name') === 'AbortError') return true;
    // With a cause, it also reports a failed cleanup.
    if (isCastoffError(current, 'SCOPE_CLOSED') && current.cause === undefined) return true;
    seen.add(current);
  }
  return false;
}

// No `instanceof`: errors also come from other realms, such as Jest's sandboxes.
function property(error: unknown, name: 'cause' | 'name'): unknown {
  return typeof error === 'object' && error !== null ? Reflect.get(error, name) : undefined;
}
