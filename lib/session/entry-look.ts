import { isWithin } from '../core/bounds';
import type { Engine } from '../engine/engine';
import { identityOf } from '../engine/identity';
import { listTargets, type ListedTarget } from '../engine/list-targets';
import type { RegistryEntry } from '../registry/entry';
import { listParts } from '../resources/project-parts';
import { isStillOurs } from './still-ours';

/**
 * Whether the engine has what `entry` is about, under the name or id that it had.
 *
 * @throws EngineError when the engine cannot say.
 */
export async function isEntryThere(engine: Engine, entry: RegistryEntry, id: string): Promise<boolean> {
  const { key, kind, owner, origin, since, identity, bounds = {} } = entry;
  if (kind === 'compose-project')
    return (await listParts(engine, id)).some((part) => isWithin(identityOf(part), bounds));
  const at = since.toISOString();
  const note = { fact: 'registered', key, kind, owner, origin, at } as const;
  return isStillOurs(engine, { ...note, present: { fact: 'present', key, id, identity, at } }, id);
}

const listTimeoutMs = 30_000;

/** What carries `labels`; asks for nothing when `signal` has aborted, and rejects with its reason then. */
export async function listWithin(
  engine: Engine,
  labels: readonly string[],
  signal: AbortSignal,
): Promise<readonly ListedTarget[]> {
  signal.throwIfAborted();
  return listTargets(engine.within({ timeoutMs: listTimeoutMs, signal }), labels);
}
