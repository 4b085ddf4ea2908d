import { withTimeout } from '../core/timeout';
import { disposerOf, requireDisposer } from './dispose';
import { StartError } from './start-error';
import type { StartPlan } from './startable';

/** A start of an object that, by its shape, is not a resource on an engine. Its own `stop` ends it. */
export interface UnmanagedStart {
  /** Rejects with `START_FAILED`. */
  readonly started: Promise<unknown>;
  /** Ends the result of the start, even if an aborted start returns it late. */
  dispose(): Promise<void>;
}

/** Starts `plan` without labels or registration. */
export function startUnmanaged(
  plan: StartPlan,
  signal: AbortSignal,
  source: string | undefined,
): UnmanagedStart {
  const { what } = plan;
  const starting = (async () => {
    signal.throwIfAborted();
    return plan.start({ labels: {}, signal, onUnready: async () => undefined });
  })();
  const start = async (): Promise<unknown> => {
    try {
      const started = await withTimeout(starting, { what: `start ${what}`, signal });
      requireDisposer(`start ${what}: what start() returned`, started);
      return started;
    } catch (cause) {
      throw new StartError({ what, source, postMortems: [], rollbackErrors: [] }, cause);
    }
  };
  return {
    started: start(),
    async dispose() {
      const [end] = await Promise.allSettled([starting]);
      if (end.status === 'fulfilled') await disposerOf(end.value)?.();
    },
  };
}
