import { messageOf } from '../core/errors';
import type { RegistryEntry } from '../registry/entry';
import type { Registry } from '../registry/registry';
import { isKept } from './context-scope';
import { dropConnectionsTo } from './connections';
import { loadLate } from './load-late';
import type { TestContext } from './test-context';
import type { AttachedRun } from './attached-run';

/**
 * Records resources that a test file left behind without a scope as leaks, other than testcontainers' own
 * helpers. Resolves when the run has removed them, so that the next file does not find them half removed.
 *
 * @param failed - Names of the contexts in which something failed.
 */
export async function recordLeaks(
  file: TestContext,
  failed: ReadonlySet<string>,
  { client, registry, capture }: AttachedRun,
): Promise<void> {
  const isOfFile = ({ id, owner }: RegistryEntry): boolean =>
    (owner.scope === file.name || owner.scope.startsWith(`${file.name}/`)) && !isInScope(registry, id);
  const leaked: string[] = [];
  for (const entry of await capture.findSurvivors(isOfFile)) {
    if (isKept(client.settings.keep, failed.has(entry.owner.scope)))
      registry.update(entry.key, { state: 'kept' });
    // The engine did not answer; the end of the run inspects it again.
    else if (entry.state === 'unknown') continue;
    else if (!capture.isHelper(entry.key)) {
      leaked.push(registry.update(entry.key, { leakedAt: new Date() }).key);
      if (entry.kind === 'container') await dropConnectionsTo([entry]);
    }
    // Images stay until the run ends, because another file may use them too.
    else if (entry.kind !== 'image') await removeHelper(entry, registry);
  }
  // Rejects when the run has ended: then the run or its reaper removes them.
  if (leaked.length > 0) await Promise.allSettled([client.removeLeaks(leaked)]);
}

async function removeHelper(
  { key, kind, id, bounds, engine }: RegistryEntry,
  registry: Registry,
): Promise<void> {
  if (id === undefined) return;
  const { cleanupResource } = loadLate.composeProject();
  const { connectEngine } = loadLate.connect();
  registry.update(key, { state: 'cleaning' });
  try {
    const { outcome } = await cleanupResource(await connectEngine(engine), { kind, id, bounds });
    registry.update(key, { state: 'gone', outcome });
  } catch (error) {
    registry.update(key, { state: 'left', failure: messageOf(error) });
  }
}

/** Returns whether the scope of a shared resource, which outlives the file, owns it by now. */
function isInScope(registry: Registry, id: string | undefined): boolean {
  return (
    id !== undefined &&
    registry.list().some((entry) => entry.id === id && entry.origin === 'scope' && entry.state !== 'gone')
  );
}
