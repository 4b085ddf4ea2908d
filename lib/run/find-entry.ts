import { isWithin } from '../core/bounds';
import { timeouts } from '../core/timeouts';
import type { Engine } from '../engine/engine';
import { identityOf } from '../engine/identity';
import type { ListedTarget } from '../engine/list-targets';
import type { RegistryEntry } from '../registry/entry';
import { listParts } from '../resources/project-parts';
import { markedKey } from '../resources/adoption';
import { listOwned } from '../resources/list-owned';
import type { RecordedResource } from '../resources/ownership';
import { isStillOurs } from '../sweep/still-ours';

/**
 * Resolves to whether the engine still has the resource of `entry`.
 *
 * @param id - The resource's id or name.
 * @throws EngineError when the engine does not answer.
 */
export async function isEntryPresent(engine: Engine, entry: RegistryEntry, id: string): Promise<boolean> {
  const { kind, bounds = {} } = entry;
  return kind === 'compose-project'
    ? (await listParts(engine, id)).some((part) => isWithin(identityOf(part), bounds))
    : isStillOurs(engine, entry, id);
}

/**
 * Lists the resources that carry `labels`, and provably have them from their creator.
 *
 * @param recorded - The resources whose ids their creators have recorded.
 * @throws EngineError; the reason of `signal` when it has aborted.
 */
export async function listLeftovers(
  engine: Engine,
  labels: readonly string[],
  recorded: readonly RecordedResource[],
  signal: AbortSignal,
): Promise<readonly ListedTarget[]> {
  signal.throwIfAborted();
  const { owned } = await listOwned(engine.within({ timeoutMs: timeouts.requestMs, signal }), labels, {
    recorded,
  });
  // Excludes markers, which have no entry.
  return owned.filter(({ labels: own }) => markedKey(own) === undefined);
}
