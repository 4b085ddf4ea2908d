import type { Engine } from '../engine/engine';
import type { EngineResource } from '../engine/identity';
import { watchEvents, type WatchedEvent } from '../engine/watch-events';
import { removables } from '../resources/removables';
import type { RegistryEntry } from './entry';
import type { Registry } from './registry';

/** Keeps a registry up to date with removals by others. */
export interface Follower {
  /**
   * Resolves when it stops: to the error that ended it, or to `undefined` when it was closed. Never rejects.
   */
  readonly ended: Promise<unknown>;
  close(): Promise<void>;
}

const inspectTimeoutMs = 10_000;
/** Images emit the last two. */
const removals: ReadonlySet<string> = new Set(['destroy', 'untag', 'delete']);

/**
 * Follows the engine's events: an entry that is `present` and that another client removes becomes `gone` with
 * the outcome `removed-elsewhere`. Entries that are being cleaned up are skipped.
 *
 * Resources are matched by id, not by label: adopted resources and testcontainers' networks have none of
 * castoff's labels. Events and listings are only hints; an entry is gone when an inspection does not find it.
 * Podman 4 emits no network events, so networks are checked on every reconnect. Reconnects when the engine
 * goes away.
 */
export function followEngine(registry: Registry, engine: Engine): Follower {
  const closing = new AbortController();
  const ended = follow(registry, engine, closing.signal).then(
    () => undefined,
    (error: unknown) => error,
  );
  return {
    ended,
    async close() {
      closing.abort();
      await ended;
    },
  };
}

async function follow(registry: Registry, engine: Engine, signal: AbortSignal): Promise<void> {
  const boundedEngine = engine.within({ timeoutMs: inspectTimeoutMs, signal });
  await watchEvents(engine, { labels: [], signal }, async (hint) => {
    for (const entry of presentEntries(registry, engine)) {
      if (entry.id === undefined || !mayBeGone(entry, entry.id, hint)) continue;
      const { meaning } = await removables[entry.kind].inspect(boundedEngine, entry.id);
      // A cleanup may have started, or finished, during the inspection.
      const isStillPresent = presentEntries(registry, engine).some(({ key }) => key === entry.key);
      if (meaning === 'gone' && isStillPresent)
        registry.update(entry.key, { state: 'gone', outcome: 'removed-elsewhere' });
    }
  });
}

type EntryOnEngine = RegistryEntry & Pick<EngineResource, 'kind'>;

/** Returns the entries that the engine can inspect by id, which excludes Compose projects. */
function presentEntries(registry: Registry, engine: Engine): readonly EntryOnEngine[] {
  return registry
    .list({ state: 'present' })
    .filter(
      (entry): entry is EntryOnEngine => entry.kind !== 'compose-project' && entry.engine === engine.address,
    );
}

/** Whether an event or a listing is a reason to inspect the entry. The entry may be newer than a listing. */
function mayBeGone(entry: EntryOnEngine, id: string, hint: WatchedEvent): boolean {
  if (hint.type === 'listing')
    return !hint.targets.some((target) => target.kind === entry.kind && matchesId(target, id));
  const { event } = hint;
  if (event.kind !== entry.kind || !removals.has(event.action)) return false;
  // An image is untagged name by name, and Docker does not report which name.
  return entry.kind === 'image' || matchesId(event, id);
}

/** Adopted resources may be registered by name or short id. */
function matchesId(resource: EngineResource & Pick<RegistryEntry, 'name'>, id: string): boolean {
  return (
    resource.id === id || resource.name === id || (resource.kind !== 'volume' && resource.id.startsWith(id))
  );
}
