import { isReaper } from '../../core/labels';
import type { ListedTarget } from '../../engine/list-targets';
import type { RemovableKind } from '../../engine/removable-kind';

/** How far the removal of one thing has got; what is not known has not been begun. */
export type Progress =
  /** The first try is under way. */
  | 'begun'
  /** It has failed at least once, and is tried again. */
  | 'retried'
  | 'gone'
  /** Given up. */
  | 'left';

/** What a listing of a claim's labels shows of what may be reaped: no reaper, of anybody. */
export function reapable(listed: readonly ListedTarget[]): readonly ListedTarget[] {
  return listed.filter(({ labels }) => !isReaper(labels));
}

/** Each waits for those before it: a network for its containers, an image for all that is made of it. */
const order: readonly RemovableKind[] = ['container', 'network', 'volume', 'image'];

/**
 * What may be begun now of `found`: all of a kind at once, when the first tries of the kinds before it have ended, well or not.
 * When nothing has ended for a while (`isStalled`), what hangs is not waited for.
 */
export function chooseNext(
  found: readonly ListedTarget[],
  progressOf: (target: ListedTarget) => Progress | undefined,
  isStalled: boolean,
): readonly ListedTarget[] {
  const fresh = found.filter((target) => progressOf(target) === undefined);
  const isBegun = (kind: RemovableKind): boolean =>
    found.some((target) => target.kind === kind && progressOf(target) === 'begun');
  for (const kind of order) {
    const next = fresh.filter((target) => target.kind === kind);
    if (next.length > 0) return next;
    if (!isStalled && isBegun(kind)) return [];
  }
  return [];
}

export function countByKind(targets: readonly ListedTarget[]): Record<RemovableKind, number> {
  const count = { container: 0, network: 0, volume: 0, image: 0 };
  for (const { kind } of targets) count[kind] += 1;
  return count;
}

/** Names a thing among all kinds. */
export function keyOf({ kind, id }: { readonly kind: RemovableKind; readonly id: string }): string {
  return `${kind} ${id}`;
}
