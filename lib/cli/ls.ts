import { formatDuration } from '../core/durations';
import { isReaper, labelNames, ownerFromLabels } from '../core/labels';
import { safeForLog, safeJson } from '../core/safe-text';
import { formatTable, paint, type Colour } from '../core/text-table';
import { timeouts } from '../core/timeouts';
import { connectEngine } from '../engine/connect';
import type { ListedTarget } from '../engine/list-targets';
import { readWhenBack } from '../engine/read-when-back';
import { proveOwnersHere } from '../processes/owner';
import type { OwnerProof } from '../processes/owner-proof';
import { findEndedContainers, proveByContainers } from '../sweep/owner-containers';
import { ownersOf, proveSession, type SessionProof } from '../sweep/session-proof';
import { listSessions } from '../sweep/find-sessions';
import { markedKey } from '../resources/adoption';
import { ageOf, describeOwner, type FoundSession } from '../sweep/judge-session';

/**
 * Returns the output of `castoff ls`: every session with resources on the engine, whether its owners are
 * alive, and its resources.
 */
export async function describeSessions(options: { readonly isJson: boolean }): Promise<string> {
  const engine = await connectEngine();
  const limits = { what: 'list sessions', timeoutMs: timeouts.requestMs };
  const found = await readWhenBack(() => listSessions(engine, false), limits);
  const prove = proveOwnersHere();
  const ended = await findEndedContainers(engine, found.sessions.flatMap(ownersOf));
  const rows = found.sessions
    .filter(({ resources }) => resources.length > 0)
    .map((session) => {
      const proven = proveSession(session, proveByContainers(prove, ownersOf(session), ended));
      return describeSession(session, proven, found.nowMs);
    });
  if (options.isJson) return `${safeJson(rows)}\n`;
  if (rows.length === 0) return `no castoff resources on ${engine.address}\n`;
  return rows.map((row) => formatSession(row)).join('\n');
}

/** One session in the output of `castoff ls --json`. */
interface SessionRow extends Pick<OwnerProof, 'state' | 'proof'> {
  readonly session: string;
  readonly things: readonly ResourceRow[];
}

interface ResourceRow
  extends Pick<ListedTarget, 'kind' | 'id' | 'name'>, Pick<OwnerProof, 'state' | 'proof'> {
  readonly owner: string | undefined;
  readonly source: string | undefined;
  readonly isReaper: boolean;
  /** On a marker: the resource that this session has adopted from another one, such as `volume:data`. */
  readonly adopts: string | undefined;
  /** By the engine's clock. */
  readonly ageMs: number | undefined;
}

function describeSession(
  { session, resources }: FoundSession,
  proven: SessionProof,
  nowMs: number,
): SessionRow {
  const { state, proof } = proven;
  const things = resources.map((resource) => describeResource(resource, proven, nowMs));
  return { session, state, proof, things };
}

function describeResource(resource: ListedTarget, session: SessionProof, nowMs: number): ResourceRow {
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

const stateColours: Readonly<Record<OwnerProof['state'], Colour>> = {
  alive: 'green',
  dead: 'red',
  unknown: 'yellow',
};

function formatSession({ session, state, proof, things }: SessionRow): string {
  const paintedState = paint({ text: state, colour: stateColours[state] });
  const title = `session ${safeForLog(session)}: ${paintedState}, ${safeForLog(proof)}\n`;
  const rows = things.map((resource) => [
    resource.isReaper ? 'reaper' : resource.adopts === undefined ? resource.kind : 'marker',
    resource.id.replace('sha256:', '').slice(0, 12),
    resource.adopts === undefined ? resource.name : `has adopted ${resource.adopts}`,
    resource.ageMs === undefined ? '' : formatDuration(Math.max(0, resource.ageMs)),
    resource.owner ?? '',
    { text: resource.state, colour: stateColours[resource.state] },
    resource.source ?? '',
  ]);
  return (
    title + formatTable(['KIND', 'ID', 'NAME', 'AGE', 'OWNER', 'STATE', 'SOURCE'], rows, { indent: '  ' })
  );
}
