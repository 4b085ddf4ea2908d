import { messageOf } from '../core/errors';
import { warn } from '../core/warnings';
import { chooseReaper } from '../lease/reaper-choice';
import { renewSession, sessionIdentity } from '../registry/session-identity';
import { planProcessSnapshot } from '../session/process-snapshot';
import { currentRun, hadRun, setCurrentRun, type Run } from '../session/current-run';
import type { RunSettings } from '../session/run-client';
import type { RunEnd } from '../verdict/verdict';
import { createRunClient, type RunCaller } from './call-run';
import { closeRun } from './end-run';
import { runAddress } from './run-address';
import { ownProcess } from './run-leases';
import { createRunParts, type RunPartsOptions } from './run-parts';
import { performRequest } from './run-requests';
import { openRunServer, type RunServer } from './run-server';
import { failuresOfUnlabelled } from './unlabelled-creations';

/** The options of {@link openRun}. */
export interface OpenRunOptions extends Partial<Pick<RunPartsOptions, 'limits' | 'registersAll'>> {
  /** Whether the run listens for workers. Default: true. */
  readonly takesWorkers?: boolean | undefined;
}

/**
 * Opens a run in this process, and listens for workers unless it takes none. Contacts the engine and takes the
 * lease when the first resource is about to be created. In watch mode, each run is its own session, and closes
 * the previous run if it is still open.
 *
 * Disables Testcontainers' own reaper for this process and the workers that join, but not for their child
 * processes, unless `TESTCONTAINERS_RYUK_DISABLED` is set or `CASTOFF_REAPER` is `off`.
 *
 * @param options.limits - The time limits at the end of the run. Defaults as in `EndPatienceOptions`.
 * @param options.registersAll - Whether everything with the session's labels is in the registry. If so, the end of a run
 * with an empty registry sends the engine no list request. Default: false.
 * @throws CastoffError `CONFIG_INVALID` for an invalid `CASTOFF_REAPER`, or when another user owns this
 * user's folder.
 */
export async function openRun(
  settings: RunSettings,
  { limits = {}, takesWorkers = true, registersAll = false }: OpenRunOptions = {},
): Promise<Run> {
  const wantsReaper = chooseReaper() !== 'off';
  await closePreviousRun();
  const identity = hadRun() ? renewSession() : sessionIdentity();
  const parts = createRunParts({ settings, identity, wantsReaper, limits, registersAll });
  const { runSession, patience, leases, cleanup, shared, unlabelled } = parts;
  const address = runAddress(identity.id);
  const writeSnapshot = planProcessSnapshot();
  const listen = (): Promise<RunServer> =>
    openRunServer(address, parts, (worker, isWaiting) => {
      shared.forgetWorker(worker);
      cleanup.cleanUpWorker(worker, leases.end(worker), isWaiting);
    });
  const server = takesWorkers ? await listen() : undefined;
  const ownCaller: RunCaller = {
    call: (type, asked) => performRequest(parts, ownProcess, { type, asked }),
    notify: (type, asked) => void performRequest(parts, ownProcess, { type, asked }),
  };
  const startEnd = (): AbortSignal => {
    if (runSession.isInUse || cleanup.waitingFor().length > 0) patience.start();
    return patience.signal;
  };
  const close = async (): Promise<RunEnd> => {
    startEnd();
    runSession.refuse();
    server?.announceEnd();
    try {
      const ended = await closeRun(parts, address);
      return { ...ended, failures: [...failuresOfUnlabelled(unlabelled), ...ended.failures] };
    } finally {
      patience.end();
      server?.close();
      parts.restoreRyuk();
      await leases.releaseAll();
      writeSnapshot('run closed');
      if (currentRun() === run) setCurrentRun(undefined);
    }
  };
  let closing: Promise<RunEnd> | undefined;
  const run: Run = {
    ...createRunClient(parts.facts, undefined, ownCaller),
    // The registry of this process is the run's own.
    report: () => undefined,
    address,
    hold: () => runSession.hold(),
    get isInUse() {
      return runSession.isInUse;
    },
    get isEnding() {
      return runSession.isEnding;
    },
    get isHeld() {
      return runSession.isHeld;
    },
    startEnd,
    whenIdle: async () => server?.whenIdle(),
    close: () => (closing ??= close()),
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
