import type { ScopeItems } from './scope-items';
import { Start } from './start';
import { refuseGraceful, type StartOptions } from './start-options';
import { startUnmanaged } from './start-unmanaged';
import type { StartPlan } from './start-plan';
import { planStart } from './startable';
import type { ScopeContext } from './scope-context';

/**
 * Starts `startable` and adds it to `items`; a Dockerfile build is built first. Resolves to the result.
 *
 * @throws StartError `START_FAILED`; CastoffError `SCOPE_CLOSED`, `CONFIG_INVALID`: nothing was created.
 */
export async function startInScope(
  items: ScopeItems,
  startable: unknown,
  context: ScopeContext,
  options: StartOptions,
): Promise<unknown> {
  const start = (plan: StartPlan, stop: StartOptions): Promise<unknown> => {
    const { what, kind } = plan;
    if (kind !== 'container' && kind !== 'compose-project') refuseGraceful(`a ${what}`, stop);
    items.assertOpen(`start ${what}`);
    if (kind === undefined) return startUnmanaged(items, plan, context);
    const started = new Start({ ...plan, kind }, context, stop);
    const resource = { what, source: context.source, target: () => started.target() };
    items.add({ type: 'resource', resource });
    return started.started;
  };
  const plan = planStart(startable);
  return start(plan.kind === 'image' ? planStart(await start(plan, {})) : plan, options);
}
