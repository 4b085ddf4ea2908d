import { isCastoffError } from '../core/errors';

/** Whether `error`, or a cause of it, reports no more than that `signal` cancelled the work. */
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
