import { labelNames } from '../core/labels';
import { timeouts } from '../core/timeouts';
import type { Engine } from '../engine/engine';
import { listTargets, type ListedTarget } from '../engine/list-targets';
import { isOpen, type RegistryEntry } from '../registry/entry';
import type { Registry } from '../registry/registry';
import { removables } from '../resources/removables';

interface LeftOptions {
  readonly session: string;
  readonly registry: Registry;
  /** Whether the engine removes the container of an entry when it exits. */
  readonly isAutoRemoved: (entry: RegistryEntry) => boolean;
  /** Whether a volume was created for a container that was not. */
  readonly isUnusedVolume: (entry: RegistryEntry) => boolean;
  /** Keeps what is left instead of reporting it as leaks. */
  readonly isKept: boolean;
}

/**
 * Records which of the command's resources exist now that it has ended, as leaks or as kept ones. Images are no
 * leaks: without a name they are a cache, and castoff removes them.
 *
 * @throws EngineError when the engine cannot list them: their states stay as they are.
 */
export async function recordLeft(
  engine: Engine,
  { session, registry, isAutoRemoved, isUnusedVolume, isKept }: LeftOptions,
): Promise<void> {
  const open = (): readonly RegistryEntry[] => registry.list().filter((entry) => isOpen(entry));
  if (open().length === 0) return;
  const limited = engine.within({ timeoutMs: timeouts.requestMs });
  const listed = await listTargets(limited, [`${labelNames.session}=${session}`]);
  for (const entry of open()) {
    const target = listed.find((one) => isOf(entry, one));
    if (target === undefined || (isAutoRemoved(entry) && (await isEnding(limited, target)))) {
      const outcome = entry.id === undefined ? 'never-created' : 'removed-elsewhere';
      registry.update(entry.key, { state: 'gone', outcome });
      continue;
    }
    const { id, name } = target;
    const found = entry.kind === 'image' ? {} : { id, name };
    if (isKept) registry.update(entry.key, { ...found, state: 'kept' });
    else if (entry.kind === 'image' || isUnusedVolume(entry))
      registry.update(entry.key, { ...found, state: 'present' });
    else registry.update(entry.key, { ...found, state: 'present', leakedAt: new Date() });
  }
}

/** An id alone does not identify a volume: the engine answers with one that existed before. */
function isOf({ key, kind, identity }: RegistryEntry, target: ListedTarget): boolean {
  if (target.kind !== kind) return false;
  return target.labels[labelNames.start] === key || (kind === 'image' && target.id === identity);
}

const runningStates = ['created', 'running', 'paused', 'restarting'];

/** Whether the engine is removing an exited container; resolves when it has. */
async function isEnding(engine: Engine, { id, status = '' }: ListedTarget): Promise<boolean> {
  if (runningStates.includes(status)) return false;
  const { inspect, waitForRemoval } = removables.container;
  await waitForRemoval?.(engine, id);
  // The wait also ends when the removal fails.
  return (await inspect(engine, id)).meaning === 'gone';
}
