import { isCastoffError } from '../core/errors';
import type { Engine } from '../engine/engine';
import type { Unfinished } from '../registry/unfinished';
import { isStillOurs } from './still-ours';
import type { SessionJournals } from './session-journals';
import { describeOwner, type JudgedSession } from './judge-session';
import type { RemovalCandidate } from './remove-candidates';
import type { SweptThing } from './sweep-report';

type Session = JudgedSession & { readonly session: string; readonly journals?: SessionJournals | undefined };

/** What the journals of sessions that are to go name, beside what carries their label. */
export async function candidatesFromJournals(
  engine: Engine,
  sessions: readonly Session[],
): Promise<{ readonly condemned: readonly RemovalCandidate[]; readonly kept: readonly SweptThing[] }> {
  const condemned: RemovalCandidate[] = [];
  const kept: SweptThing[] = [];
  for (const judged of sessions) {
    if (!judged.isToGo) continue;
    for (const note of judged.journals?.unfinished ?? []) {
      const id = note.present?.id ?? note.name;
      if (
        id === undefined ||
        judged.verdicts.some(({ thing }) => thing.kind === note.kind && thing.id === id)
      )
        continue;
      const thing = describeNoted(judged, note, id);
      if (note.engine !== undefined && note.engine !== engine.address) {
        const proof = `${thing.proof}; but it is on another engine: sweep ${note.engine}`;
        kept.push({ ...thing, proof, action: 'kept' });
      } else {
        const isOurs = await isStillOurs(engine, note, id).catch(whyUnclear);
        if (isOurs === true) condemned.push({ kind: note.kind, id, note, thing });
        else if (isOurs !== false) kept.push({ ...thing, proof: isOurs, action: 'kept' });
      }
    }
  }
  return { condemned, kept };
}

function describeNoted(
  { proof, session }: Session,
  note: Unfinished,
  id: string,
): Omit<SweptThing, 'action'> {
  return {
    kind: note.kind,
    id,
    name: note.present?.name ?? note.name ?? id,
    session,
    owner: describeOwner(proof.owner),
    proof: `${proof.proof}; its journal names it`,
  };
}

function whyUnclear(error: unknown): string {
  if (isCastoffError(error, 'CLEANUP_FAILED')) return error.message;
  throw error;
}
