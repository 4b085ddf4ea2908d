import { timeouts } from '../core/timeouts';
import type { Engine } from '../engine/engine';
import { readWhenBack } from '../engine/read-when-back';
import { proveOwnersHere } from '../processes/owner';
import { listSessions } from './find-sessions';
import type { FoundSession } from './judge-session';
import { findEndedContainers, proveByContainers } from './owner-containers';
import { ownersOf, proveSession, type SessionProof } from './session-proof';

/** A session on an engine, and whether its owners are alive. */
export interface ProvenSession extends FoundSession {
  readonly proven: SessionProof;
}

/**
 * Lists the sessions that have resources on an engine, with the proof of each.
 *
 * @throws EngineError when the engine does not answer, or refuses.
 */
export async function listProvenSessions(
  engine: Engine,
): Promise<{ readonly nowMs: number; readonly sessions: readonly ProvenSession[] }> {
  const limits = { what: 'list sessions', timeoutMs: timeouts.requestMs };
  const found = await readWhenBack(() => listSessions(engine, false), limits);
  const prove = proveOwnersHere();
  const ended = await findEndedContainers(engine, found.sessions.flatMap(ownersOf));
  const sessions = found.sessions
    .filter(({ resources }) => resources.length > 0)
    .map((session) => {
      const proven = proveSession(session, proveByContainers(prove, ownersOf(session), ended));
      return { ...session, proven };
    });
  return { nowMs: found.nowMs, sessions };
}
