import { withTimeout } from '../core/timeout';
import { disposerOf, requireDisposer } from './dispose';
import type { ScopeContext } from './scope-context';
import type { ScopeItems } from './scope-items';
import { StartError } from './start-error';
import { StartHistory } from './start-history';
import type { StartPlan } from './start-plan';

/**
 * Starts what is no resource on an engine, by its shape, and adds it to `items`: its own `stop` ends it, even
 * if an aborted start returns it late. @throws StartError `START_FAILED`
 */
export async function startUnmanaged(
  items: ScopeItems,
  plan: StartPlan,
  { signal, source, owner }: ScopeContext,
): Promise<unknown> {
  const { what } = plan;
  const history = new StartHistory(owner.scope, what);
  const starting = (async () => {
    signal.throwIfAborted();
    return plan.start({ labels: {}, signal, onUnready: async () => undefined });
  })();
  const run = async (): Promise<void> => {
    const [end] = await Promise.allSettled([starting]);
    if (end.status === 'fulfilled') await disposerOf(end.value)?.();
  };
  items.add({ type: 'call', call: { what, source, run } });
  try {
    const started = await withTimeout(starting, { what: `start ${what}`, signal });
    requireDisposer(`start ${what}: what start() returned`, started);
    history.record();
    return started;
  } catch (cause) {
    const finding = history.explain(cause, undefined);
    throw new StartError({ what, source, finding, postMortems: [], rollbackErrors: [] }, cause);
  }
}
