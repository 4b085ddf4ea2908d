import { isCastoffError } from '../core/errors';
import type { Engine } from '../engine/engine';
import type { RegistryEntry } from '../registry/entry';
import { isStillOurs } from './still-ours';
import type { SessionJournals } from './session-journals';
import { describeOwner, type JudgedSession } from './judge-session';
import type { RemovalCandidate } from './remove-candidate';
import type { SweptResource } from './sweep-report';

type Session = JudgedSession & { readonly session: string; readonly journals?: SessionJournals | undefined };

/**
 * Returns the resources of dead sessions that only their journals name: candidates for removal, and those to
 * keep.
 */
export async function candidatesFromJournals(
  engine: Engine,
  sessions: readonly Session[],
): Promise<{ readonly candidates: readonly RemovalCandidate[]; readonly kept: readonly SweptResource[] }> {
  const candidates: RemovalCandidate[] = [];
  const kept: SweptResource[] = [];
  for (const judged of sessions) {
    if (!judged.shouldRemove) continue;
    for (const entry of judged.journals?.unfinished ?? []) {
      const { kind, name, id = name } = entry;
      if (
        id === undefined ||
        judged.verdicts.some(({ resource }) => resource.kind === kind && resource.id === id)
      )
        continue;
      const resource = describeJournaled(judged, entry, id);
      if (entry.engine !== undefined && entry.engine !== engine.address) {
        const proof = `${resource.proof}; it is on another engine: sweep ${entry.engine} instead`;
        kept.push({ ...resource, proof, action: 'kept' });
      } else {
        const stillOurs = await isStillOurs(engine, entry, id).catch(unclearReason);
        if (stillOurs === true) candidates.push({ kind, id, entry, resource });
        else if (stillOurs !== false) kept.push({ ...resource, proof: stillOurs, action: 'kept' });
      }
    }
  }
  return { candidates, kept };
}

function describeJournaled(
  { proof, session }: Session,
  { kind, name }: RegistryEntry,
  id: string,
): Omit<SweptResource, 'action'> {
  return {
    kind,
    id,
    name: name ?? id,
    session,
    owner: describeOwner(proof.owner),
    proof: `${proof.proof}; named in its journal`,
  };
}

function unclearReason(error: unknown): string {
  if (isCastoffError(error, 'CLEANUP_FAILED')) return error.message;
  throw error;
}
