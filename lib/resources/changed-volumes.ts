import type { Bounds } from '../core/bounds';
import type { Engine } from '../engine/engine';
import { identityOf } from '../engine/identity';
import type { ListedTarget } from '../engine/list-targets';
import { hasStableCreatedAt, readVolumeHistory } from '../engine/volume-history';

/**
 * Finds volumes whose `CreatedAt` differs from the one in `bounds` but which the engine's events show were
 * not recreated. Before 23.0, Docker updates `CreatedAt` when a volume's content changes. An engine that was
 * killed while it removed a volume reports none.
 *
 * Resolves to their current identities.
 *
 * @throws EngineError when the engine does not answer.
 */
export async function findChanged(
  engine: Engine,
  listed: readonly ListedTarget[],
  { only = [] }: Bounds,
): Promise<readonly string[]> {
  const changed: string[] = [];
  for (const target of listed) {
    const identity = identityOf(target);
    const named = identityOf({ ...target, createdAt: undefined });
    if (target.kind !== 'volume' || only.includes(identity)) continue;
    const before = only.find((one) => one.startsWith(named) && !one.slice(named.length).includes(' '));
    const sinceMs = Date.parse(before?.slice(named.length) ?? '');
    if (Number.isNaN(sinceMs)) continue;
    if (target.createdAt === undefined) {
      changed.push(identity);
      continue;
    }
    if (await hasStableCreatedAt(engine)) continue;
    if ((await readVolumeHistory(engine, target.id, sinceMs)) === 'same') changed.push(identity);
  }
  return changed;
}
