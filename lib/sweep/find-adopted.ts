import { adoptionKey, adoptionsIn, markedKey } from '../resources/adoption';
import type { Target } from '../resources/kind';
import type { JudgedSession } from './judge-session';

/** Returns why an adopted resource must be kept, or `undefined` when no session has adopted it. */
export type AdoptionReason = (resource: Target) => string | undefined;

/**
 * Finds the resources that sessions have adopted from others. Adoptions of a session that is proven dead, or
 * that is removed for its age, do not count.
 *
 * Right before each removal, its markers are listed again. One that is created in the moment between that and
 * the removal is missed: the adopting session inspects the resource after it has created its marker, and so
 * detects a removal that has finished by then, but not a later one.
 */
export function findAdopted(sessions: readonly JudgedSession[]): AdoptionReason {
  const reasons = new Map<string, string>();
  for (const { resources, proof, shouldRemove } of sessions) {
    if (shouldRemove || proof.state === 'dead') continue;
    for (const { key, session } of adoptionsIn(resources))
      reasons.set(key, `session ${session} has adopted it: ${proof.proof}`);
  }
  return ({ kind, id }) => (kind === 'compose-project' ? undefined : reasons.get(adoptionKey({ kind, id })));
}

/** Returns the names of all listed markers. */
export function markerNames(sessions: readonly JudgedSession[]): ReadonlySet<string> {
  const listed = sessions.flatMap(({ resources }) => resources);
  return new Set(listed.filter(({ labels }) => markedKey(labels) !== undefined).map(({ name }) => name));
}
