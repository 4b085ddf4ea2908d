import { claimKey, type BoundedLabels, type Bounds } from '../core/bounds';
import { print } from '../core/print';
import { warn } from '../core/warnings';
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
import { RunWorkers } from './run-workers';
import { UnlabelledCreations } from './unlabelled-creations';
import { sharedScope } from '../registry/scope-names';
import { checkJsonLength } from './shared-value';
import { SharedFixtures, type SharedRequest } from './shared-fixtures';

/** The id of the run's own process among the workers that request shared fixtures. */
const ownProcess = '';

/**
 * Opens a run in this process, and listens for workers. Contacts the engine and takes the lease when the
 * first resource is about to be created. In watch mode, each run is its own session, and closes the previous
 * run if it is still open.
 *
 * Disables Testcontainers' own reaper for this process and the workers that join, but not for their child
 * processes, unless `TESTCONTAINERS_RYUK_DISABLED` is set or `CASTOFF_REAPER` is `off`.
 *
 * @param limits - The time limits at the end of the run.
 * @throws CastoffError `CONFIG_INVALID` for an invalid `CASTOFF_REAPER`, or when another user owns this
 * user's folder.
 */
export async function openRun(
  settings: RunSettings,
  limits: Pick<EndPatienceOptions, 'quietMs' | 'silenceMs'> = {},
): Promise<Run> {
  const mode = chooseReaper();
  await closePreviousRun();
  const { id: session, owner, registry } = hadRun() ? renewSession() : sessionIdentity();
  const coversTestcontainers = mode !== 'off';
  const restoreRyuk = coversTestcontainers ? disableRyuk(process) : () => undefined;

  const workers = new RunWorkers();
  const unlabelled = new UnlabelledCreations();
  const ending = {
    isInUse: () => false,
    removeLeftovers: (engine: Engine) => cleanup.removeLeftovers(engine),
    retention: () => cleanup.retention(),
    onRetained: () => void (cleanup.isRetained = true),
  };
  const runSession = new RunSession({ session, owner, wantsReaper: mode !== 'off', ending });
  const patienceFor = (waitingFor: () => readonly string[]): EndPatience =>
    new EndPatience({
      ...limits,
      ping: (timeoutMs) => runSession.isAnswered(timeoutMs),
      waitingFor: () => {
        const names = waitingFor();
        return names.length > 0 ? names : ["the run's resources"];
      },
      print,
    });
  const patience = patienceFor(() => cleanup.waitingFor());
  const cleanup = new RunCleanup({
    session,
    registry,
    workers,
    isShared: (scope) => shared.isShared(scope),
    isExempt: (entry) =>
      settings.leaks === 'off' || settings.ignore.some((pattern) => matchesIgnore(pattern, entry)),
    engine: async () => {
      const opened = withTimeout(runSession.opened(), { what: 'reach the engine', signal: patience.signal });
      // Adopted resources, and those created by commands, need no session.
      return (await opened)?.engine ?? (await import('../engine/connect.ts')).connectEngine();
    },
    isInUse: () => runSession.isInUse,
    patience: patienceFor,
    signal: patience.signal,
    release: (worker, { labels, bounds }) => releaseFor(worker, labels, bounds),
  });
  const shared: SharedFixtures = new SharedFixtures((name) => cleanup.clearShared(name));
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
  const awaitShared = async (asked: SharedRequest): ReturnType<RunClient['awaitShared']> => {
    checkDuration('timeoutMs', asked.timeoutMs);
    const turn = await shared.awaitTurn(asked);
    if (turn.type !== 'there') return turn;
    const scope = sharedScope(asked.name);
    const containers = [...workers.entries(), ...registry.list()].filter(
      ({ kind, owner: { scope: own } }) => kind === 'container' && own === scope,
    );
    return { ...turn, containers };
  };

  const noteDeath = (key: string, died: string): void => {
    workers.update(new Map([[key, { died }]]), { isOrphan: false });
    if (registry.list().some((entry) => entry.key === key)) registry.update(key, { died });
  };

  const handlers: RunHandlers = {
    joinAnswer: { session, owner, settings, coversTestcontainers },
    ready,
    claim(worker, labels, bounds) {
      workers.claim(worker, labels, bounds);
      return claim(labels, bounds);
    },
    release: releaseFor,
    awaitShared: (worker, asked) => awaitShared({ ...asked, worker }),
    settleShared: (worker, name, made) => shared.settle(name, worker, made),
    report: (worker, entry) => workers.record(worker, entry),
    reportUnlabelled: (creation) => unlabelled.note(creation),
    noteDeath,
    removeLeaks: (keys) => cleanup.removeLeaks(keys),
    ended(worker, how) {
      // Workers that are disconnected at the end of the run have no resources left.
      if (isClosed) return;
      shared.forgetWorker(worker);
      if (!how.isLeaving) cleanup.cleanUpWorker(worker, how);
    },
  };
  const address = runAddress(session);
  const server = await openRunServer(address, handlers);
  let isClosed = false;
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
    report: () => undefined,
    reportUnlabelled: (creation) => unlabelled.note(creation),
    noteDeath: async (key, died) => noteDeath(key, died),
    removeLeaks: (keys) => cleanup.removeLeaks(keys),
    claim,
    release,
    awaitShared: (name, asked) => awaitShared({ ...asked, name, worker: ownProcess }),
    async settleShared(name, made) {
      if ('json' in made) checkJsonLength(`shared ${name}`, made.json);
      shared.settle(name, ownProcess, made);
    },
    beginEnd() {
      if (runSession.isInUse || cleanup.waitingFor().length > 0) patience.start();
      return patience.signal;
    },
    close: () => (closing ??= end()),
  };
  const end = async (): Promise<RunEnd> => {
    run.beginEnd();
    runSession.refuse();
    server.announceEnd();
    try {
      const ended = await closeRun({ runSession, shared, cleanup, patience, address });
      return { ...ended, failures: [...unlabelled.failures(), ...ended.failures] };
    } finally {
      patience.end();
      isClosed = true;
      restoreRyuk();
      // The next run of this process must not claim these labels.
      await Promise.allSettled(
        [...claimed.values()].map(({ labels, bounds }) => releaseLabels(labels, bounds)),
      );
      server.close();
      if (currentRun() === run) setCurrentRun(undefined);
    }
  };
  setCurrentRun(run);
  return run;
}

/** Closes a run whose setup threw: its teardown never runs. */
async function closePreviousRun(): Promise<void> {
  const { failures = [] } = (await currentRun()?.close()) ?? {};
  for (const failure of failures)
    warn('CASTOFF_PREVIOUS_RUN', `close the previous run: ${messageOf(failure)}`);
}
