import { withTimeout } from '../core/timeout';
import { disposerOf, requireDisposer } from './dispose';
import type { OwnedTarget } from './owned-resource';
import type { ScopeItems } from './scope-items';
import { Start } from './start';
import { StartError } from './start-error';
import { refuseGraceful, type StartOptions } from './start-options';
import { planStart, type StartPlan } from './startable';
import type { ScopeContext } from './scope-context';

/**
 * Starts `startable` and adds it to `items`; a Dockerfile build is built first, then started. Resolves to the
 * result of its `start()`.
 *
 * @throws StartError `START_FAILED`
 * @throws CastoffError `SCOPE_CLOSED`, `CONFIG_INVALID`: nothing was created.
 */
export async function startInScope(
  items: ScopeItems,
  startable: unknown,
  context: ScopeContext,
  source: string | undefined,
  options: StartOptions = {},
): Promise<unknown> {
  const plan = planStart(startable);
  if (plan.kind !== 'image') return startPlan(items, plan, context, source, options);
  const definition = await startPlan(items, plan, context, source, {});
  return startPlan(items, planStart(definition), context, source, options);
}

async function startPlan(
  items: ScopeItems,
  plan: StartPlan,
  context: ScopeContext,
  source: string | undefined,
  options: StartOptions,
): Promise<unknown> {
  const { what, kind } = plan;
  if (kind !== 'container' && kind !== 'compose-project') refuseGraceful(`a ${what}`, options);
  items.assertOpen(`start ${what}`);
  if (kind === undefined) {
    const unmanaged = startUnmanaged(plan, context.signal, source);
    items.add({ type: 'call', call: { what, source, run: () => unmanaged.dispose() } });
    return unmanaged.started;
  }
  const start = new Start({ ...plan, kind }, context, source);
  const target = async (): Promise<OwnedTarget | undefined> => {
    const owned = await start.target();
    return owned === undefined ? undefined : { ...owned, stop: options };
  };
  items.add({ type: 'resource', resource: { what, source, target } });
  return start.started;
}

/** A start of an object that, by its shape, is not a resource on an engine. Its own `stop` ends it. */
interface UnmanagedStart {
  /** Rejects with `START_FAILED`. */
  readonly started: Promise<unknown>;
  /** Ends the result of the start, even if an aborted start returns it late. */
  dispose(): Promise<void>;
}

function startUnmanaged(plan: StartPlan, signal: AbortSignal, source: string | undefined): UnmanagedStart {
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
