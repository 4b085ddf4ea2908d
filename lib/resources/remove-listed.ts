import { CastoffError } from '../core/errors';
import type { Engine } from '../engine/engine';
import type { ListedTarget } from '../engine/list-targets';
import { cleanupOne, type Removal, type CleanupSettings } from './cleanup-one';
import type { ProvenTarget } from './list-owned';
import { isSameCreation } from './ownership';
import { clearServiceOf } from './swarm-service';

interface ListedRemovalRules extends Omit<CleanupSettings, 'matchesTarget' | 'identity'> {
  /** Whether a resource is one of those to remove. */
  readonly covers: (target: Pick<ListedTarget, 'kind' | 'id' | 'createdAt' | 'labels'>) => boolean;
  /** Whether a Swarm service with these labels may be removed with its container. */
  readonly coversService: (labels: ListedTarget['labels']) => boolean;
}

interface ListedRemoval {
  readonly result: Removal;
  /** Whether another resource has taken its name since the listing; it is kept. */
  readonly isReplaced: boolean;
}

/**
 * Removes a listed resource: an image with all its names, and a container with its Swarm service. A resource
 * that has only a name is inspected right before. One with an id is not: its labels cannot have changed since
 * the listing, and an inspect waits for the engine's locks behind every running removal and create (Docker
 * 20.10.24 with a load of 25: 7 s each, while 30 removals take 3 s).
 *
 * @throws CleanupError `CLEANUP_FAILED` when it still exists at the deadline, or must be kept.
 */
export async function removeListed(
  engine: Engine,
  target: ProvenTarget,
  { covers, coversService, ...settings }: ListedRemovalRules,
): Promise<ListedRemoval> {
  const what = `${target.kind} ${target.name || target.id}`;
  // The last check before the removal, wherever the target came from.
  if (!covers(target)) throw new CastoffError('CLEANUP_FAILED', `remove ${what}: it is not to be removed`);
  await clearServiceOf(engine, target, coversService);
  let isReplaced = false;
  let result: Removal | undefined;
  for (const ref of removalRefs(target))
    result = await cleanupOne(engine, target.kind, ref, {
      ...settings,
      // An id still identifies the listed resource; a volume's name may belong to another one by now.
      matchesTarget: (labels, { createdAt }) => {
        isReplaced = !isSameCreation(labels, target.labels) || !covers({ ...target, labels, createdAt });
        return !isReplaced;
      },
    });
  if (result === undefined)
    throw new CastoffError('CLEANUP_FAILED', `${what} has no reference to remove it by`);
  return { result, isReplaced };
}

/** An image is removed by its tags, and the last one by its id, unless the engine keeps the image. */
function removalRefs({ id, tags = [], isBase = false }: ProvenTarget): readonly string[] {
  return isBase ? tags : [...tags.slice(1), id];
}
