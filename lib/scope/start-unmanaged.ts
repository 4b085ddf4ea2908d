import { withTimeout } from '../core/timeout';
import { disposerOf, requireDisposer } from './dispose';
import { StartError } from './start-error';
import type { StartPlan } from './startable';

/** A start of something that is on no engine, as far as its shape tells; it ends by its own `stop`. */
export interface UnmanagedStart {
  /** Rejects with `START_FAILED`. */
  readonly started: Promise<unknown>;
  /** Ends what was started, or what an aborted start still brings. */
  end(): Promise<void>;
}

export function startUnmanaged(
  plan: StartPlan,
  signal: AbortSignal,
  source: string | undefined,
): UnmanagedStart {
  const { what } = plan;
  const beginning = (async () => {
    signal.throwIfAborted();
    return plan.begin({ labels: {}, signal, onNotReady: async () => undefined });
  })();
  const start = async (): Promise<unknown> => {
    try {
      const product = await withTimeout(beginning, { what: `start ${what}`, signal });
      requireDisposer(`start ${what}: what start() returned`, product);
      return product;
    } catch (cause) {
      throw new StartError({ what, source, postMortems: [], rollbackErrors: [] }, cause);
    }
  };
  return {
    started: start(),
    async end() {
      const [end] = await Promise.allSettled([beginning]);
      if (end.status === 'fulfilled') await disposerOf(end.value)?.();
    },
  };
}
