import { messageOf } from '../core/errors';
import type { RegistryEntry } from '../registry/entry';
import type { Registry } from '../registry/registry';
import { isKept } from './close-context';
import { connectionsTo, dropConnections } from './connections';
import { loadLate } from './load-late';
import type { TestContext } from './test-context';
import type { WorkerRunState } from './worker-run';

/**
 * Notes what raw code of a test file has left on the engine as leaks, and resolves when the run has removed them: the next file must not
 * find them half removed. Helpers that testcontainers makes for itself are not leaks.
 *
 * @param failed - The names of the places in which something has failed.
 */
export async function noteLeaks(
  file: TestContext,
  failed: ReadonlySet<string>,
  { link, registry, watch }: WorkerRunState,
): Promise<void> {
  const isOfFile = ({ id, owner }: RegistryEntry): boolean =>
    (owner.scope === file.name || owner.scope.startsWith(`${file.name}/`)) && !isInScope(registry, id);
  const leaked: string[] = [];
  for (const entry of await watch.findSurvivors(isOfFile)) {
    if (isKept(link.settings.keep, failed.has(entry.owner.scope)))
      registry.update(entry.key, { state: 'kept' });
    // Nothing was seen of it: the run's end tells what it finds.
    else if (entry.state === 'unknown') continue;
    else if (!watch.isHelper(entry.key)) {
      leaked.push(registry.update(entry.key, { leakedAt: new Date() }).key);
      if (entry.kind === 'container' && entry.id !== undefined)
        dropConnections(await connectionsTo({ id: entry.id, engine: entry.engine }));
    }
    // Its images stay until the run's end: they may be those of another file, too.
    else if (entry.kind !== 'image') await removeHelper(entry, registry);
  }
  // Rejects when the run ends or is gone: it removes them then, or its reaper does.
  if (leaked.length > 0) await Promise.allSettled([link.removeLeaks(leaked)]);
}

/** A failure of it stands in the registry. */
async function removeHelper(
  { key, kind, id, bounds, engine }: RegistryEntry,
  registry: Registry,
): Promise<void> {
  if (id === undefined) return;
  const { cleanupResource } = loadLate.cleanupResource();
  registry.update(key, { state: 'cleaning' });
  try {
    const { outcome } = await cleanupResource({ kind, id, bounds }, { engine });
    registry.update(key, { state: 'gone', outcome });
  } catch (error) {
    registry.update(key, { state: 'left', failure: messageOf(error) });
  }
}

/** Whether a scope has it by now: that of something shared, which outlives the file. */
function isInScope(registry: Registry, id: string | undefined): boolean {
  return (
    id !== undefined &&
    registry.list().some((entry) => entry.id === id && entry.origin === 'scope' && entry.state !== 'gone')
  );
}
