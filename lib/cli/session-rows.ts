import { isReaper, labelNames, ownerFromLabels, type Labels } from '../core/labels';
import type { ListedTarget } from '../engine/list-targets';
import type { OwnerProof } from '../processes/owner-proof';
import { markedKey } from '../resources/adoption';
import { ageOf, describeOwner } from '../sweep/judge-session';
import type { ProvenSession } from '../sweep/list-proven-sessions';

/** One session in the output of `castoff ls --json`. */
export interface SessionRow extends Pick<OwnerProof, 'state' | 'proof'> {
  readonly session: string;
  readonly things: readonly ResourceRow[];
}

/** One resource there. */
export interface ResourceRow
  extends Pick<ListedTarget, 'kind' | 'id' | 'name'>, Pick<OwnerProof, 'state' | 'proof'> {
  readonly owner: string | undefined;
  readonly source: string | undefined;
  readonly isReaper: boolean;
  /** On a marker: the resource that this session has adopted from another one, such as `volume:data`. */
  readonly adopts: string | undefined;
  /** By the engine's clock. */
  readonly ageMs: number | undefined;
}

/** Describes a session; `isSelected` chooses from its resources. */
export function describeSession(
  { session, resources, proven }: ProvenSession,
  nowMs: number,
  isSelected: (resource: ResourceRow, labels: Labels) => boolean,
): SessionRow {
  const things = resources.flatMap((resource) => {
    const row = describeResource(resource, proven, nowMs);
    return isSelected(row, resource.labels) ? [row] : [];
  });
  return { session, state: proven.state, proof: proven.proof, things };
}

function describeResource(
  resource: ListedTarget,
  session: ProvenSession['proven'],
  nowMs: number,
): ResourceRow {
  const { kind, id, name, labels } = resource;
  const owner = ownerFromLabels(labels);
  const own = owner === undefined ? undefined : session.proofOf(owner);
  return {
    kind,
    id,
    name,
    owner: describeOwner(owner),
    state: own?.state ?? 'unknown',
    proof: own?.proof ?? 'it names no owner',
    source: labels[labelNames.source],
    isReaper: isReaper(labels),
    adopts: markedKey(labels),
    ageMs: ageOf(resource, nowMs),
  };
}
