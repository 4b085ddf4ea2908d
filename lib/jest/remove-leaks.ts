import { messageOf } from '../core/errors';
import type { RegistryEntry } from '../registry/entry';
import type { Registry } from '../registry/registry';
import { isKept } from './close-place';
import type { Place } from './places';
import type { RunHere } from './run-here';
import { loadLate } from './load-late';

/**
 * Removes what raw code of a test file has left on the engine, and notes each as a leak. A failure of it stands in the registry.
 *
 * @param failed - The names of the places in which something has failed.
 */
export async function removeLeaks(
  file: Place,
  failed: ReadonlySet<string>,
  { link, registry, watch }: RunHere,
): Promise<void> {
  const isOfFile = ({ id, owner }: RegistryEntry): boolean =>
    (owner.scope === file.name || owner.scope.startsWith(`${file.name}/`)) && !isInScope(registry, id);
  if (!registry.list().some((entry) => entry.origin === 'raw' && isOfFile(entry))) return;
  const leaks: RegistryEntry[] = [];
  for (const entry of await watch.survivors(isOfFile)) {
    if (isKept(link.settings.keep, failed.has(entry.owner.scope)))
      registry.update(entry.key, { state: 'kept' });
    else leaks.push(registry.update(entry.key, { leakedAt: new Date() }));
  }
  const { cleanupMany } = loadLate.plan();
  const { cleanupResource } = loadLate.cleanupResource();
  const targets = leaks.flatMap(({ kind, id, name, key, engine }) => {
    const known = kind === 'compose-project' ? name : id;
    return known === undefined ? [] : [{ kind, id: known, key, engine }];
  });
  await cleanupMany(targets, async ({ key, engine, ...target }) => {
    registry.update(key, { state: 'cleaning' });
    try {
      const { outcome } = await cleanupResource(target, { engine });
      registry.update(key, { state: 'gone', outcome });
    } catch (error) {
      registry.update(key, { state: 'left', failure: messageOf(error) });
    }
  });
}

/** Whether a scope has it by now: that of something shared, which outlives the file. */
function isInScope(registry: Registry, id: string | undefined): boolean {
  return (
    id !== undefined &&
    registry.list().some((entry) => entry.id === id && entry.origin === 'scope' && entry.state !== 'gone')
  );
}
