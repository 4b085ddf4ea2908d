import type { ListedTarget } from '../engine/list-targets';
import { adoptionKey, adoptionsIn } from '../resources/adoption';
import type { ResourceKind } from '../resources/kind';
import type { SessionProof } from './session-proof';

/** A session, its listed resources, and whether this sweep removes it. */
interface ProvenSession {
  readonly resources: readonly Pick<ListedTarget, 'kind' | 'labels'>[];
  readonly proof: Pick<SessionProof, 'state' | 'proof'>;
  readonly shouldRemove: boolean;
}

/** Returns why an adopted resource must be kept, or `undefined` when no session has adopted it. */
export type AdoptionReason = (resource: {
  readonly kind: ResourceKind;
  readonly id: string;
}) => string | undefined;

/**
 * Finds the resources that sessions have adopted from others. Adoptions of a session that is proven dead, or
 * that is removed for its age, do not count.
 *
 * The markers come from the sweep's one listing, so a marker created between that listing and the removal is
 * missed. After creating a marker, the adopting session inspects the resource again, and so detects a removal
 * that has finished by then, but not a later one.
 */
export function findAdopted(sessions: readonly ProvenSession[]): AdoptionReason {
  const reasons = new Map<string, string>();
  for (const { resources, proof, shouldRemove } of sessions) {
    if (shouldRemove || proof.state === 'dead') continue;
    for (const { key, session } of adoptionsIn(resources))
      reasons.set(key, `session ${session} has adopted it: ${proof.proof}`);
  }
  return ({ kind, id }) => (kind === 'compose-project' ? undefined : reasons.get(adoptionKey({ kind, id })));
}
