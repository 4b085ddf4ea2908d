import { labelNames, ownerFromLabels, type Owner } from '../core/labels';
import type { ListedTarget } from '../engine/list-targets';
import type { OwnerProof } from '../processes/owner-proof';
import type { ObservedOwner } from '../registry/session-journals';

interface OwnedSession {
  readonly resources: readonly Pick<ListedTarget, 'labels'>[];
  readonly journals?: { readonly owners: readonly ObservedOwner[] } | undefined;
}

/** Proves whether an owner is alive or dead; `lastActiveMs` is its last known creation, by its own clock. */
export type ProveOwner = (owner: Owner, lastActiveMs?: number) => OwnerProof;

/** Proof that a session is dead or alive, by all owners that its resources and journals name. */
export interface SessionProof extends OwnerProof {
  /** The owner that the proof is about; `undefined` when there is none. */
  readonly owner?: Owner | undefined;
  /** Returns the proof of one of the session's owners. */
  readonly proofOf: (owner: Owner) => OwnerProof | undefined;
}

/**
 * Judges a session by its owners. It is dead when all of them are, since its processes share its resources;
 * an owner that is or may be alive keeps all of them. A resource that names no owner proves nothing.
 */
export function proveSession(session: OwnedSession, prove: ProveOwner): SessionProof {
  const seen = mergeOwners(observedOwners(session));
  const proofs = seen.map(({ owner, lastActiveMs }) => ({ owner, proof: prove(owner, lastActiveMs) }));
  const proofOf = (owner: Owner): OwnerProof | undefined =>
    proofs.find((one) => keyOf(one.owner) === keyOf(owner))?.proof;
  const decisive =
    proofs.find(({ proof }) => proof.state === 'alive') ??
    // A reason that no flag overrides comes before one that a flag can override.
    proofs.find(({ proof }) => proof.state === 'unknown' && proof.isElsewhere !== true) ??
    proofs.find(({ proof }) => proof.state === 'unknown') ??
    proofs[0];
  if (decisive === undefined)
    return { state: 'unknown', proof: 'none of its resources names an owner', proofOf };
  return { ...decisive.proof, owner: decisive.owner, proofOf };
}

function keyOf({ host, machine, boot, pid, pidStart, pidNamespace }: Owner): string {
  return JSON.stringify([host, machine, boot, pid, pidStart, pidNamespace]);
}

function ownerOf({ labels }: Pick<ListedTarget, 'labels'>): readonly ObservedOwner[] {
  const owner = ownerFromLabels(labels);
  if (owner === undefined) return [];
  const createdMs = Date.parse(labels[labelNames.created] ?? '');
  return [{ owner, lastActiveMs: Number.isNaN(createdMs) ? undefined : createdMs }];
}

/** Returns every owner that a session names. */
export function ownersOf(session: OwnedSession): readonly Owner[] {
  return observedOwners(session).map(({ owner }) => owner);
}

function observedOwners({ resources, journals }: OwnedSession): readonly ObservedOwner[] {
  return [...resources.flatMap(ownerOf), ...(journals?.owners ?? [])];
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
