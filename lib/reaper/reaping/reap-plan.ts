import { isReaper } from '../../core/labels';
import type { ListedTarget } from '../../engine/list-targets';
import { removableKinds, type EngineResource, type RemovableKind } from '../../engine/removable-kind';

/** Progress of the removal of one resource; `undefined` where it has not started. */
export type Progress =
  /** The first attempt is running. */
  | 'started'
  /** At least one attempt failed. */
  | 'retrying'
  | 'removed'
  /** Not removed: given up, or kept. */
  | 'left';

/** Filters out reapers, which are never reaped. */
export function reapable(listed: readonly ListedTarget[]): readonly ListedTarget[] {
  return listed.filter(({ labels }) => !isReaper(labels));
}

/**
 * Chooses the removals to start next: all resources of one kind at once, when the first attempts for the
 * kinds before it have ended.
 *
 * @param isStalled - No attempt has ended for a while: do not wait for the kinds before.
 */
export function chooseNext(
  found: readonly ListedTarget[],
  progressOf: (target: ListedTarget) => Progress | undefined,
  isStalled: boolean,
): readonly ListedTarget[] {
  const notStarted = found.filter((target) => progressOf(target) === undefined);
  const isStarted = (kind: RemovableKind): boolean =>
    found.some((target) => target.kind === kind && progressOf(target) === 'started');
  // A network waits for its containers, and so does an image.
  for (const kind of removableKinds) {
    const next = notStarted.filter((target) => target.kind === kind);
    if (next.length > 0) return next;
    if (!isStalled && isStarted(kind)) return [];
  }
  return [];
}

/** Counts resources by kind. */
export function countByKind(targets: readonly ListedTarget[]): Record<RemovableKind, number> {
  const count = { container: 0, network: 0, volume: 0, image: 0 };
  for (const { kind } of targets) count[kind] += 1;
  return count;
}

/** Identifies a resource among all kinds. */
export function keyOf({ kind, id }: EngineResource): string {
  return `${kind} ${id}`;
}
