import { isCastoffError } from '../core/errors';
import type { Engine } from '../engine/engine';
import { EngineError } from '../engine/engine-error';
import type { RegistryEntry } from '../registry/entry';
import type { AdoptionReason } from './find-adopted';
import { describeOwner, type JudgedSession, type ResourceVerdict } from './judge-session';
import type { RemovalCandidate } from './remove-candidate';
import { listParts } from '../resources/project-parts';
import { isStillOurs } from './still-ours';
import { labelsOfEntry, type Selection } from './selection';
import type { FoundResource } from './sweep-report';

/** The resources to remove, and those to keep, each with the reason in its `proof`. */
export interface Candidates {
  readonly candidates: readonly RemovalCandidate[];
  readonly kept: readonly FoundResource[];
  /** Kept because another resource may have taken their names. */
  readonly unclear: readonly FoundResource[];
}

/**
 * Sorts the listed resources by their verdicts, adds those that only the journals of dead sessions name, and
 * keeps what a session has adopted, and what the filter does not select.
 *
 * @throws EngineError when the engine cannot list the parts of a Compose project for the filter.
 */
export async function findCandidates(
  engine: Engine,
  verdicts: readonly ResourceVerdict[],
  sessions: readonly JudgedSession[],
  adoptionReason: AdoptionReason,
  selection: Selection,
): Promise<Candidates> {
  const found: RemovalCandidate[] = verdicts.filter(({ shouldRemove }) => shouldRemove);
  const kept = verdicts.filter(({ shouldRemove }) => !shouldRemove).map(({ resource }) => resource);
  const unclear: FoundResource[] = [];
  for (const judged of sessions) {
    const listed = new Set(judged.verdicts.map(({ target }) => `${target.kind} ${target.id}`));
    for (const entry of judged.shouldRemove ? (judged.journals?.unfinished ?? []) : []) {
      const resource = describeJournaled(judged, entry);
      if (resource === undefined || listed.has(`${resource.kind} ${resource.id}`)) continue;
      if (!selection.accepts(resource, labelsOfEntry(resource.session, entry.owner))) {
        kept.push(resource);
      } else if (
        !selection.isAll &&
        entry.kind === 'compose-project' &&
        !(await acceptsParts(engine, resource, selection))
      ) {
        kept.push({ ...resource, proof: 'the filter does not select all of its parts' });
      } else if (entry.engine !== undefined && entry.engine !== engine.address) {
        const proof = `${resource.proof}; it is on another engine: sweep ${entry.engine} instead`;
        kept.push({ ...resource, proof });
      } else {
        const stillOurs = await isStillOurs(engine, entry, resource.id).catch(unclearReason);
        // Without an answer, its own removal asks again: one resource does not hold up the others.
        if (stillOurs === true || stillOurs === undefined) found.push({ resource, entry });
        else if (stillOurs !== false) unclear.push({ ...resource, proof: stillOurs });
      }
    }
  }
  const candidates: RemovalCandidate[] = [];
  for (const candidate of found) {
    const proof = adoptionReason(candidate.resource);
    if (proof === undefined) candidates.push(candidate);
    else kept.push({ ...candidate.resource, proof });
  }
  return { candidates, kept, unclear };
}

/**
 * Whether a filter selects everything that would be removed with a Compose project.
 *
 * @throws EngineError when the engine cannot list its parts.
 */
async function acceptsParts(engine: Engine, project: FoundResource, selection: Selection): Promise<boolean> {
  const parts = await listParts(engine, project.id);
  return parts.every(({ kind, id, name, labels }) =>
    selection.accepts({ ...project, kind, id, name, ageMs: undefined }, labels),
  );
}

/** Returns `undefined` for an entry whose resource cannot be found, because neither id nor name is known. */
function describeJournaled(
  { proof, session }: JudgedSession,
  { kind, name, id = name }: RegistryEntry,
): FoundResource | undefined {
  if (id === undefined) return undefined;
  const owner = describeOwner(proof.owner);
  return { kind, id, name: name ?? id, session, owner, proof: `${proof.proof}; named in its journal` };
}

function unclearReason(error: unknown): string | undefined {
  if (isCastoffError(error, 'CLEANUP_FAILED')) return error.message;
  if (error instanceof EngineError) return undefined;
  throw error;
}
