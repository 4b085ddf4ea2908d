import { CastoffError, cleanupFailed } from '../core/errors';
import { timeouts } from '../core/timeouts';
import { connectEngine } from '../engine/connect';
import type { Engine } from '../engine/engine';
import { readWhenBack } from '../engine/read-when-back';
import type { RegistryEntry } from '../registry/entry';
import { endLeftProcesses } from '../registry/left-processes';
import { proveOwnersHere } from '../processes/owner';
import { cleanupAll } from '../resources/cleanup-all';
import type { CleanupResult } from '../resources/cleanup-one';
import { checkCleanupOptions, cleanupOptionNames, type CleanupOptions } from '../resources/cleanup-options';
import { findAdopted, markerNames } from './find-adopted';
import { findCandidates } from './find-candidates';
import { listSessions } from './find-sessions';
import { judgeSession, type JudgedSession } from './judge-session';
import { removeCandidate } from './remove-candidate';
import { selectBy } from './selection';
import { isSessionId, readJournals, removeJournals } from '../registry/session-journals';

/** Result of cleaning up a session that another process left behind. */
export interface SessionCleanup {
  readonly session: string;
  readonly results: readonly CleanupResult[];
}

/**
 * Finishes the cleanup of a session whose processes have ended: removes everything that carries its label on
 * the engine or is named in its journals on this machine, verifies that it is gone, and deletes the journals.
 * Ends the processes of its commands, with their groups. Resources that have reused the name of one of the
 * session's, and running reapers, are kept. What the engine fails to answer is asked again until the deadline.
 *
 * @param session - The id that the label `castoff.session` and `castoff ls` show.
 * @param options - As for {@link cleanupContainer}; `engine` is the engine to search for labels, in addition
 * to the engines that the journals name.
 * @throws CastoffError `CONFIG_INVALID` when a process of the session is alive, or cannot be proven dead;
 * `CLEANUP_FAILED` with every failure in `errors`: the journals are kept.
 */
export async function cleanupSession(session: string, options: CleanupOptions = {}): Promise<SessionCleanup> {
  checkCleanupOptions('clean up a session', options, cleanupOptionNames);
  if (!isSessionId(session)) {
    throw new CastoffError(
      'CONFIG_INVALID',
      `clean up a session: got ${JSON.stringify(session)}; give the id that \`castoff ls\` shows`,
    );
  }
  const journals = readJournals(session);
  const engines = await connectAll(options.engine, journals.unfinished);
  const listings = await Promise.all(
    engines.map(async (engine) => {
      const { sessions } = await readWhenBack(() => listSessions(engine, false), {
        what: `list the resources of session ${session}`,
        timeoutMs: options.timeoutMs ?? timeouts.cleanupMs,
        signal: options.signal,
      });
      return { engine, sessions };
    }),
  );
  const prove = proveOwnersHere();
  const rules = { nowMs: Date.now() };
  // Its resources on all engines decide together whether it is dead.
  const own = listings.flatMap(({ sessions }) => sessions.filter((found) => found.session === session));
  const resources = own.flatMap((found) => found.resources);
  const proofs = new Map(own.flatMap((found) => [...found.proofs]));
  const judged = judgeSession({ session, resources, proofs, journals }, prove, rules);
  if (resources.length + journals.unfinished.length + journals.processes.length > 0) checkDead(judged);

  const errors: unknown[] = [];
  const processes = await endLeftProcesses(journals, options);
  errors.push(...processes.errors);
  const results: CleanupResult[] = [];
  let count = processes.ended.length + processes.errors.length;
  for (const { engine, sessions } of listings) {
    const listed = new Set(sessions.flatMap((found) => found.resources));
    const others = sessions
      .filter((found) => found.session !== session)
      .map((found) => judgeSession(found, prove, rules));
    const verdicts = judged.verdicts.filter(({ target }) => listed.has(target));
    const { candidates, unclear } = await findCandidates(
      engine,
      verdicts,
      [{ ...judged, verdicts }],
      findAdopted(others),
      selectBy(undefined),
    );
    for (const { proof } of unclear) errors.push(new CastoffError('CLEANUP_FAILED', proof));
    const targets = candidates.map((candidate) => ({ ...candidate.resource, candidate }));
    const settings = { ...options, knownMarkers: markerNames([judged, ...others]) };
    const removal = await cleanupAll(targets, ({ candidate }) =>
      removeCandidate(engine, candidate, settings),
    );
    errors.push(...removal.errors);
    for (const { result } of removal.items)
      if (result !== undefined && 'result' in result) results.push(result.result);
    count += candidates.length + unclear.length;
  }
  if (errors.length > 0) {
    const failed = `${errors.length} of ${count} resources could not be removed`;
    throw cleanupFailed(`clean up session ${session}: ${failed}`, errors);
  }
  removeJournals(journals);
  return { session, results };
}

async function connectAll(
  address: string | undefined,
  unfinished: readonly RegistryEntry[],
): Promise<readonly Engine[]> {
  const named = unfinished.map(({ engine }) => engine);
  const engines = await Promise.all([...new Set([address, ...named])].map((one) => connectEngine(one)));
  return [...new Set(engines)];
}

// Includes this process: its session is removed by closing its scopes.
function checkDead({ session, shouldRemove, proof: { state, proof } }: JudgedSession): void {
  if (shouldRemove) return;
  const advice = state === 'alive' ? 'let it finish, or stop it first' : 'it may be alive';
  throw new CastoffError('CONFIG_INVALID', `clean up session ${session}: ${proof}; ${advice}`);
}
