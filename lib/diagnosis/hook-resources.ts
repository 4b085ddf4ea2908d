import { createHook, type AsyncHook, type HookCallbacks } from 'node:async_hooks';

/**
 * Creates a hook for asynchronous resources other than promises. Before Node.js 24.12, `init` gets promises too, and
 * `destroy` is not called: to follow each promise to its collection would slow down all of them.
 */
export function hookResources(
  init: NonNullable<HookCallbacks['init']>,
  destroy: NonNullable<HookCallbacks['destroy']>,
): AsyncHook {
  return createHook(canSkipPromises() ? { init, destroy, trackPromises: false } : { init });
}

/** Node.js that knows the option checks its type. */
function canSkipPromises(): boolean {
  try {
    createHook({ trackPromises: 'check' as never });
    return false;
  } catch {
    return true;
  }
}
