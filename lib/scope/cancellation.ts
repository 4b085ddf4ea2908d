import { isCastoffError } from '../core/errors';

/**
 * Whether `error` only says that the work was cancelled by `signal`: its reason, an `AbortError`, or that the closing scope took
 * nothing more, however wrapped.
 */
export function isCancellation(error: unknown, signal: AbortSignal): boolean {
  if (!signal.aborted) return false;
  const seen = new Set<unknown>();
  for (let one = error; one !== undefined && !seen.has(one); one = property(one, 'cause')) {
    if (one === signal.reason || property(one, 'name') === 'AbortError') return true;
    // With a cause it also says that something could not be ended.
    if (isCastoffError(one, 'SCOPE_CLOSED') && one.cause === undefined) return true;
    seen.add(one);
  }
  return false;
}

// Errors come from other realms too: Jest's sandboxes.
function property(error: unknown, name: 'cause' | 'name'): unknown {
  return typeof error === 'object' && error !== null ? Reflect.get(error, name) : undefined;
}
