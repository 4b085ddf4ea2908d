import { labelNames } from '../core/labels';
import { valueOf, type Engine } from '../engine/engine';
import { readEngineClock } from '../engine/system-calls';
import type { ListedTarget } from '../engine/list-targets';
import { recordedIn } from '../registry/entry';
import { proveOwnership } from '../resources/list-owned';
import { listWithAges } from './list-with-ages';
import { readAllJournals, type SessionJournals } from '../registry/session-journals';
import { listThirdParty, type ThirdPartyListing } from './third-party-sessions';
import type { FoundSession } from './judge-session';

/** The sessions found on an engine and in the journals on this machine. */
export interface Findings {
  /** The engine's time, in milliseconds since the epoch. */
  readonly nowMs: number;
  readonly sessions: readonly FoundSession[];
  /** `undefined` unless requested. */
  readonly thirdParty: ThirdPartyListing | undefined;
}

/**
 * Lists every session with resources or journals.
 *
 * @throws EngineError when the engine does not answer, or refuses.
 */
export async function listSessions(engine: Engine, isForeignWanted: boolean): Promise<Findings> {
  const [labelled, clock, thirdParty] = await Promise.all([
    listWithAges(engine, [labelNames.session]),
    readEngineClock(engine),
    isForeignWanted ? listThirdParty(engine) : undefined,
  ]);
  // Read after the engine's lists: resources are journaled before they are created.
  const journals = readAllJournals();
  const recorded = recordedIn(journals.flatMap(({ unfinished }) => unfinished));
  const proofs = await proveOwnership(engine, labelled, [labelNames.session], recorded);
  const sessions = groupBySession(labelled, journals).map((found) => ({ ...found, proofs }));
  return { nowMs: valueOf(clock), sessions, thirdParty };
}

function groupBySession(
  labelled: readonly ListedTarget[],
  journals: readonly SessionJournals[],
): readonly Omit<FoundSession, 'proofs'>[] {
  const bySession = Map.groupBy(labelled, ({ labels }) => labels[labelNames.session] ?? '');
  const names = new Set([...bySession.keys(), ...journals.map(({ session }) => session)]);
  return [...names].map((session) => ({
    session,
    resources: bySession.get(session) ?? [],
    journals: journals.find((one) => one.session === session),
  }));
}
