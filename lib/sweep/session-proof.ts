import { labelNames, ownerFromLabels, type Owner } from '../core/labels';
import type { ListedTarget } from '../engine/list-targets';
import type { OwnerProof } from '../registry/owner-proof';

/** An owner, and when it was last seen to create something, by its own clock. */
export interface ObservedOwner {
  readonly owner: Owner;
  readonly lastActiveMs?: number | undefined;
}

export type ProveOwner = (owner: Owner, lastActiveMs?: number) => OwnerProof;

/** Whether a session is over, by all owners that its things and its journals name. */
export interface SessionProof extends OwnerProof {
  /** The owner that the proof is about; `undefined`: there is none. */
  readonly owner?: Owner | undefined;
  /** What each owner's own proof is. */
  readonly proofOf: (owner: Owner) => OwnerProof | undefined;
}

/**
 * A session is dead when every owner that it names is: its processes share its resources. One that lives, or may live, keeps all of
 * them. A resource that names no owner proves nothing.
 */
export function proveSession(
  resources: readonly Pick<ListedTarget, 'labels'>[],
  inJournals: readonly ObservedOwner[],
  prove: ProveOwner,
): SessionProof {
  const seen = mergeOwners([...resources.flatMap(ownerOf), ...inJournals]);
  const proofs = seen.map(({ owner, lastActiveMs }) => ({ owner, proof: prove(owner, lastActiveMs) }));
  const proofOf = (owner: Owner): OwnerProof | undefined =>
    proofs.find((one) => keyOf(one.owner) === keyOf(owner))?.proof;
  const decisive =
    proofs.find(({ proof }) => proof.state === 'alive') ??
    // A reason that stays, whatever flags are given, before one that does not.
    proofs.find(({ proof }) => proof.state === 'unknown' && proof.isElsewhere !== true) ??
    proofs.find(({ proof }) => proof.state === 'unknown') ??
    proofs[0];
  if (decisive === undefined) return { state: 'unknown', proof: 'nothing of it names an owner', proofOf };
  return { ...decisive.proof, owner: decisive.owner, proofOf };
}

/** What tells an owner from every other: all that is on its labels. */
function keyOf({ host, machine, boot, pid, pidStart, pidNamespace }: Owner): string {
  return JSON.stringify([host, machine, boot, pid, pidStart, pidNamespace]);
}

function ownerOf({ labels }: Pick<ListedTarget, 'labels'>): readonly ObservedOwner[] {
  const owner = ownerFromLabels(labels);
  if (owner === undefined) return [];
  const createdMs = Date.parse(labels[labelNames.created] ?? '');
  return [{ owner, lastActiveMs: Number.isNaN(createdMs) ? undefined : createdMs }];
}

/** Every owner that a session names. */
export function ownersOf({
  resources,
  owners,
}: {
  readonly resources: readonly Pick<ListedTarget, 'labels'>[];
  readonly owners: readonly ObservedOwner[];
}): readonly Owner[] {
  return [...resources.flatMap(ownerOf), ...owners].map(({ owner }) => owner);
}

function mergeOwners(seen: readonly ObservedOwner[]): readonly ObservedOwner[] {
  const merged = new Map<string, ObservedOwner>();
  for (const { owner, lastActiveMs } of seen) {
    const before = merged.get(keyOf(owner))?.lastActiveMs;
    const last = Math.max(before ?? Number.NEGATIVE_INFINITY, lastActiveMs ?? Number.NEGATIVE_INFINITY);
    merged.set(keyOf(owner), { owner, lastActiveMs: last === Number.NEGATIVE_INFINITY ? undefined : last });
  }
  return [...merged.values()];
}
