import type { ListedTarget } from '../engine/list-targets';
import { adoptionKey, adoptionsIn } from '../resources/adoption';
import type { ResourceKind } from '../resources/kind';
import type { SessionProof } from './session-proof';

/** A session, its listed resources, and whether it goes in this sweep. */
interface ProvenSession {
  readonly resources: readonly Pick<ListedTarget, 'kind' | 'labels'>[];
  readonly proof: Pick<SessionProof, 'state' | 'proof'>;
  readonly shouldRemove: boolean;
}

/** Why a resource stays that another session has adopted; `undefined`: none has. */
export type AdoptionReason = (resource: {
  readonly kind: ResourceKind;
  readonly id: string;
}) => string | undefined;

/**
 * Finds the resources that sessions have adopted from others. A session that is proven dead, or that goes because of its age, keeps
 * nothing.
 *
 * The markers are those of the sweep's one listing. A marker that is created between that listing and the removal is not seen: its
 * session looks at the resource again after it has created the marker, and so learns of a removal that was completed by then, but not
 * of one that comes later.
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
