import type { Engine } from '../engine/engine';
import type { EngineEvent } from '../engine/engine-event';
import { watchEvents, type WatchedEvent } from '../engine/events';
import type { ListedTarget } from '../engine/list-targets';
import type { RemovableKind } from '../engine/removable-kind';
import { removables } from '../resources/removables';
import type { RegistryEntry } from './entry';
import type { Registry } from './registry';

/** A registry that hears of what others remove. */
export interface Follower {
  /** Resolves when it hears no more: to what ended it, or to `undefined` where it was closed. It never rejects. */
  readonly ended: Promise<unknown>;
  /** Resolves when it has ended. Idempotent. */
  close(): Promise<void>;
}

const inspectTimeoutMs = 10_000;
/** The last two are an image's. */
const removals: ReadonlySet<string> = new Set(['destroy', 'untag', 'delete']);

/**
 * Follows what happens on the engine: what `registry` has there as `present`, and somebody else removes, becomes `gone` with
 * the outcome `removed-elsewhere`. What is being cleaned up is left to its cleaner.
 *
 * Things are told by their ids, not by labels: what was adopted, and testcontainers' networks, carry none of ours. Events and
 * listings are hints; an entry is gone when the engine, asked for it, knows no such thing. Podman 4 tells nothing of
 * networks: they are looked after when the connection is made again. An engine that goes away is waited for.
 *
 * @param options.signal - Ends it, as `close()` does.
 */
export function followEngine(
  registry: Registry,
  engine: Engine,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Follower {
  const closing = new AbortController();
  const signal =
    options.signal === undefined ? closing.signal : AbortSignal.any([closing.signal, options.signal]);
  const ended = follow(registry, engine, signal).then(
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
  const asked = engine.within({ timeoutMs: inspectTimeoutMs, signal });
  for await (const heard of watchEvents(engine, { labels: [], signal })) {
    for (const entry of presentOn(registry, engine)) {
      if (entry.id === undefined || !isInDoubt(entry, entry.id, heard)) continue;
      const { meaning } = await removables[entry.kind].inspect(asked, entry.id);
      // While the engine was asked, a cleanup may have begun, and ended.
      const isStillPresent = presentOn(registry, engine).some(({ key }) => key === entry.key);
      if (meaning === 'gone' && isStillPresent)
        registry.update(entry.key, { state: 'gone', outcome: 'removed-elsewhere' });
    }
  }
}

type EntryOnEngine = RegistryEntry & { readonly kind: RemovableKind };

/** What can be asked for by its id: a Compose project is no thing of the engine's. */
function presentOn(registry: Registry, engine: Engine): readonly EntryOnEngine[] {
  return registry
    .list({ state: 'present' })
    .filter(
      (entry): entry is EntryOnEngine => entry.kind !== 'compose-project' && entry.engine === engine.address,
    );
}

/** Whether what was heard makes it worth asking for the entry. A listing is old already: the entry may be newer. */
function isInDoubt(entry: EntryOnEngine, id: string, heard: WatchedEvent): boolean {
  if (heard.type === 'listing')
    return !heard.targets.some((target) => target.kind === entry.kind && matchesId(target, id));
  const { event } = heard;
  if (event.kind !== entry.kind || !removals.has(event.action)) return false;
  // An image goes name by name, and Docker does not say which one went.
  return entry.kind === 'image' || matchesId(event, id);
}

/** Adopted things may be known by their name or a short id. */
function matchesId(thing: EngineEvent | ListedTarget, id: string): boolean {
  return thing.id === id || thing.name === id || (thing.kind !== 'volume' && thing.id.startsWith(id));
}
