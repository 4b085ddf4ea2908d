import { labelNames } from '../core/labels';
import { connectEngine } from '../engine/connect';
import { sessionIdentity } from '../registry/session-identity';
import { listOwned } from '../resources/list-owned';
import { removableKinds } from '../core/kinds';
import type { CloseSettings } from './close-options';
import type { OwnedTarget } from './owned-resource';
import { removeResources } from './remove-resources';

/**
 * Removes what the commands of a task created, or passes the removals to `onBackgroundRemoval`. Resolves to the
 * errors. Never rejects.
 *
 * @param keys - Keys of the resources in the registry.
 */
export async function removeCreations(
  task: { readonly what: string; readonly source: string | undefined },
  keys: readonly string[],
  settings: CloseSettings,
): Promise<readonly unknown[]> {
  if (keys.length === 0) return [];
  const { limit, signal, cleanupTimeoutMs } = settings;
  const resources = keys.map((key) => ({
    what: `what ${task.what} created`,
    source: task.source,
    target: () => findCreated(key, cleanupTimeoutMs),
  }));
  const either = signal === undefined ? limit.lastCall : AbortSignal.any([signal, limit.lastCall]);
  const ends = await removeResources(resources, { ...settings, signal: either });
  return ends.flatMap(({ error }) => (error === undefined ? [] : [error]));
}

/** Finds a resource by the labels that its command put on it. Resolves to `undefined` when none has them. */
async function findCreated(key: string, timeoutMs: number): Promise<OwnedTarget | undefined> {
  const { registry } = sessionIdentity();
  const entry = registry.list().find((one) => one.key === key);
  const kind = removableKinds.find((one) => one === entry?.kind);
  if (entry === undefined || kind === undefined || entry.state === 'gone') return undefined;
  const engine = await connectEngine(entry.engine);
  const { owned } = await listOwned(engine.within({ timeoutMs }), [`${labelNames.start}=${key}`], {
    kinds: [kind],
  });
  const [found] = owned;
  if (found === undefined) return undefined;
  const { id, name } = found;
  registry.update(key, { id, name, engine: engine.address, state: 'present' });
  return { key, kind, id, name, engine };
}
