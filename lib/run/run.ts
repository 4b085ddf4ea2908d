import { claimKey, type BoundedLabels, type Bounds } from '../core/bounds';
import { print, printWarning } from '../core/print';
import { messageOf } from '../core/errors';
import { withTimeout } from '../core/timeout';
import { checkDuration } from '../core/durations';
import type { Engine } from '../engine/engine';
import { chooseReaper } from '../lease/reaper-choice';
import { matchesIgnore } from '../verdict/ignore';
import type { RunEnd } from '../verdict/verdict';
import { claimLabels, releaseLabels } from '../registry/claims';
import { disableRyuk } from '../core/disable-ryuk';
import { renewSession, sessionIdentity } from '../registry/session-identity';
import { EndPatience, type EndPatienceOptions } from '../session/end-patience';
import { runAddress } from './run-address';
import { RunCleanup } from './run-cleanup';
import { closeRun } from './end-run';
import { openRunServer, type RunHandlers } from './run-server';
import type { RunClient, RunSettings } from '../session/run-client';
import { RunSession } from './run-session';
import { currentRun, hadRun, setCurrentRun, type Run } from '../session/current-run';
import { recordOf, RunWorkers } from './run-workers';
import { UnlabelledCreations } from './unlabelled';
import { sharedScope } from '../registry/scope-names';
import { checkJsonLength } from './shared-value';
import { SharedFixtures, type SharedAsk } from './shared-fixtures';

/** The run's own process, among those who ask for what is shared. */
const ownProcess = '';

/**
 * Opens a run in this process: a place for workers to join, and nothing else. The engine is contacted, and the lease taken, when
 * something is about to be created for the first time. In a process that watches, each run is a session of its own; one that was
 * left open is closed first.
 *
 * Testcontainers' own reaper is turned off for this process and the workers that join, not for processes that they start, unless
 * `TESTCONTAINERS_RYUK_DISABLED` is set, or `CASTOFF_REAPER` is `off`.
 *
 * @param limits - How patient its end is.
 * @throws CastoffError `CONFIG_INVALID` for a `CASTOFF_REAPER` that is none, or where the folder of this user is somebody else's.
 */
export async function openRun(
  settings: RunSettings,
  limits: Pick<EndPatienceOptions, 'quietMs' | 'silenceMs'> = {},
): Promise<Run> {
  const mode = chooseReaper(undefined, process.env['CASTOFF_REAPER']);
  await closeEarlier();
  const { id: session, owner, registry } = hadRun() ? renewSession() : sessionIdentity();
  const coversTestcontainers = mode !== 'off';
  const turnRyukBack = coversTestcontainers ? disableRyuk(process) : () => undefined;

  const workers = new RunWorkers();
  const unwatched = new UnlabelledCreations();
  const ending = {
    isInUse: () => false,
    closeRest: (engine: Engine) => cleaner.closeRest(engine),
    released: () => cleaner.released(),
  };
  const runSession = new RunSession({ session, owner, wantsReaper: mode !== 'off', ending });
  const patienceFor = (waitingFor: () => readonly string[]): EndPatience =>
    new EndPatience({
      ...limits,
      ping: (timeoutMs) => runSession.isAnswered(timeoutMs),
      waitingFor: () => {
        const names = waitingFor();
        return names.length > 0 ? names : ['what the run has had'];
      },
      print,
    });
  const patience = patienceFor(() => cleaner.waitingFor());
  const cleaner = new RunCleanup({
    session,
    owner,
    registry,
    workers,
    isShared: (scope) => shared.isShared(scope),
    isLeftAlone: (entry) =>
      settings.leaks === 'off' ||
      settings.ignore.some((pattern) => matchesIgnore(pattern, recordOf(entry, false))),
    engine: async () => {
      const opened = withTimeout(runSession.opened(), { what: 'reach the engine', signal: patience.signal });
      // What was adopted, or created by a command, needs no session.
      return (await opened)?.engine ?? (await import('../engine/connect.ts')).connectEngine();
    },
    isInUse: () => runSession.isInUse,
    patience: patienceFor,
    signal: patience.signal,
    release: (worker, { labels, bounds }) => releaseFor(worker, labels, bounds),
  });
  const shared: SharedFixtures = new SharedFixtures((name) => cleaner.clearShared(name));
  const ready = (): Promise<void> => runSession.ready();
  const claimed = new Map<string, BoundedLabels>();
  const claim = (labels: readonly string[], bounds?: Bounds): Promise<void> => {
    claimed.set(claimKey(labels, bounds), { labels, bounds });
    return claimLabels(labels, bounds);
  };
  const release = (labels: readonly string[], bounds?: Bounds): Promise<void> => {
    claimed.delete(claimKey(labels, bounds));
    return releaseLabels(labels, bounds);
  };
  const releaseFor = async (worker: string, labels: readonly string[], bounds?: Bounds): Promise<void> => {
    if (workers.release(worker, labels, bounds)) await release(labels, bounds);
  };
  const awaitShared = async (asked: SharedAsk): ReturnType<RunClient['awaitShared']> => {
    checkDuration('timeoutMs', asked.timeoutMs);
    const turn = await shared.awaitTurn(asked);
    if (turn.type !== 'there') return turn;
    const scope = sharedScope(asked.name);
    const entries = [...workers.entries(), ...registry.list()].filter(
      ({ kind, owner: { scope: own } }) => kind === 'container' && own === scope,
    );
    const containers = entries.map(({ key, id, engine, owner: { source } }) => ({ key, id, engine, source }));
    return { ...turn, containers };
  };

  const noteDeath = (key: string, died: string): void => {
    workers.update(new Map([[key, { died }]]), { isOrphan: false });
    if (registry.list().some((entry) => entry.key === key)) registry.update(key, { died });
  };

  const desk: RunHandlers = {
    joinAnswer: { session, owner, settings, coversTestcontainers },
    ready,
    claim(worker, labels, bounds) {
      workers.claim(worker, labels, bounds);
      return claim(labels, bounds);
    },
    release: releaseFor,
    awaitShared: (worker, asked) => awaitShared({ ...asked, worker }),
    settleShared: (worker, name, made) => shared.settle(name, worker, made),
    tell: (worker, entry) => workers.tell(worker, entry),
    noteUnwatched: (creation) => unwatched.note(creation),
    noteDeath,
    removeLeaks: (keys) => cleaner.removeLeaks(keys),
    ended(worker, how) {
      // Those that are let go at the run's end have nothing any more.
      if (isOver) return;
      shared.forgetWorker(worker);
      if (!how.isLeaving) cleaner.cleanUpWorker(worker, how);
    },
  };
  const address = runAddress(session);
  const line = await openRunServer(address, desk);
  let isOver = false;
  let closing: Promise<RunEnd> | undefined;
  const run: Run = {
    session,
    worker: undefined,
    owner,
    settings,
    coversTestcontainers,
    address,
    get isInUse() {
      return runSession.isInUse;
    },
    get isEnding() {
      return runSession.isEnding;
    },
    get isHeld() {
      return runSession.isHeld;
    },
    ready,
    hold: () => runSession.hold(),
    tell: () => undefined,
    noteUnwatched: (creation) => unwatched.note(creation),
    noteDeath: async (key, died) => noteDeath(key, died),
    removeLeaks: (keys) => cleaner.removeLeaks(keys),
    claim,
    release,
    awaitShared: (name, asked) => awaitShared({ ...asked, name, worker: ownProcess }),
    async settleShared(name, made) {
      if ('json' in made) checkJsonLength(`shared ${name}`, made.json);
      shared.settle(name, ownProcess, made);
    },
    beginEnd() {
      if (runSession.isInUse || cleaner.waitingFor().length > 0) patience.begin();
      return patience.signal;
    },
    close: () => (closing ??= end()),
  };
  const end = async (): Promise<RunEnd> => {
    run.beginEnd();
    runSession.refuse();
    line.tellEnding();
    try {
      const ended = await closeRun({ runSession, shared, cleaner, patience, address });
      return { ...ended, failures: [...unwatched.failures(), ...ended.failures] };
    } finally {
      patience.end();
      runSession.endHold();
      isOver = true;
      turnRyukBack();
      // The next run of this process has nothing to do with what carries these by then.
      await Promise.allSettled(
        [...claimed.values()].map(({ labels, bounds }) => releaseLabels(labels, bounds)),
      );
      line.close();
      if (currentRun() === run) setCurrentRun(undefined);
    }
  };
  setCurrentRun(run);
  return run;
}

/** A run whose setup has thrown is never torn down. */
async function closeEarlier(): Promise<void> {
  const { failures = [] } = (await currentRun()?.close()) ?? {};
  for (const failure of failures) printWarning(`close the run before this one: ${messageOf(failure)}`);
}
