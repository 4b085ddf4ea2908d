import type { ScopeItems } from './scope-items';
import { Start } from './start';
import { startUnmanaged } from './start-unmanaged';
import type { OwnedTarget } from './owned-target';
import { refuseGraceful, type StartOptions } from './start-options';
import { planStart, type StartPlan } from './startable';
import type { ScopeContext } from './scope-context';

/** Starts `startable`, which ends with `contents`; what is built first is built, and then started. Resolves to what was started. */
export async function startInto(
  contents: ScopeItems,
  startable: unknown,
  surroundings: ScopeContext,
  source: string | undefined,
  options: StartOptions = {},
): Promise<unknown> {
  const plan = planStart(startable);
  if (plan.kind !== 'image') return begin(contents, plan, surroundings, source, options);
  const definition = await begin(contents, plan, surroundings, source, {});
  return begin(contents, planStart(definition), surroundings, source, options);
}

async function begin(
  contents: ScopeItems,
  plan: StartPlan,
  surroundings: ScopeContext,
  source: string | undefined,
  options: StartOptions,
): Promise<unknown> {
  const { what, kind } = plan;
  if (kind !== 'container' && kind !== 'compose-project') refuseGraceful(`a ${what}`, options);
  contents.refuseLate(`start ${what}`);
  if (kind === undefined) {
    const elsewhere = startUnmanaged(plan, surroundings.signal, source);
    contents.add({ type: 'call', call: { what, source, run: () => elsewhere.end() } });
    return elsewhere.started;
  }
  const start = new Start({ ...plan, kind }, surroundings, source);
  const target = async (): Promise<OwnedTarget | undefined> => {
    const owned = await start.target();
    return owned === undefined ? undefined : { ...owned, stop: options };
  };
  contents.add({ type: 'thing', thing: { what, source, target } });
  return start.started;
}
