import { cleanupFailed } from '../core/errors';
import { ownershipLabels } from '../core/labels';
import { checkOptionNames, type OptionNames } from '../core/option-names';
import { print } from '../core/print';
import { connectEngine } from '../engine/connect';
import type { Engine } from '../engine/engine';
import { isAnswering } from '../engine/system-calls';
import { chooseReaper } from '../lease/reaper-choice';
import { shareLease, type Retention } from '../lease/session-lease';
import { followEngine } from '../registry/follow';
import { recordedIn, type EntryState } from '../registry/entry';
import type { Registry } from '../registry/registry';
import { sessionIdentity } from '../registry/session-identity';
import type { CloseReport } from '../scope/close-report';
import { openScope } from '../scope/scope';
import { claimLoadedTestcontainers } from '../scope/third-party-labels';
import { closeLeftovers } from './close-leftovers';
import { EndPatience, type EndPatienceOptions } from './end-patience';
import { listOpenNames } from './list-open-names';
import { currentRunClient } from './current-run';
import { planProcessSnapshot } from './process-snapshot';
import type { Session, SessionOptions } from './session';
import { locateOwner } from '../sweep/owner-containers';
import { openSessionWithin } from './session-within';
import { sweepInBackground } from '../sweep/sweep-in-background';

/**
 * Opens a session: connects to the engine and takes a lease from a reaper, which removes the session's
 * resources if this process dies.
 *
 * The session's registry follows the engine's events. A sweep in the background removes resources of dead
 * owners, for 1 s at most. Further sessions of the process share the lease. A lost lease is taken again, with
 * a `CastoffWarning` for the loss and one for the return.
 *
 * In a process that belongs to a run of `castoff/jest`, the session is part of that run: the run's reaper
 * holds the lease, `reaper` is ignored, and `close()` only closes the session's scope.
 *
 * @throws CastoffError `ENGINE_UNREACHABLE`; `CONFIG_INVALID`; `REAPER_UNAVAILABLE` when `reaper` is
 * `container` or `process` and does not start, or an address that gives no lease; `SCOPE_CLOSED` when the run
 * is ending.
 */
export async function openSession(options: SessionOptions = {}): Promise<Session> {
  checkOptionNames('openSession', options, names);
  const client = currentRunClient();
  return client === undefined ? openOwnSession(options) : openSessionWithin(client, options);
}

const names: OptionNames<SessionOptions> = { engine: true, reaper: true };

/** The steps at the end of a session that a run replaces. */
export interface SessionEnding extends Pick<EndPatienceOptions, 'quietMs' | 'silenceMs'> {
  isInUse(): boolean;
  removeLeftovers(engine: Engine): Promise<void>;
  /** Returns what the reaper keeps after that; `undefined` for nothing. */
  retention(): Retention | undefined;
}

/**
 * Opens a session with its own lease, also in a process that belongs to a run.
 *
 * @throws CastoffError as {@link openSession} does.
 * @internal
 */
export async function openOwnSession(
  options: SessionOptions = {},
  ending: Partial<SessionEnding> = {},
): Promise<Session & { readonly engine: Engine }> {
  const mode = chooseReaper(options.reaper);
  const engine = await connectEngine(options.engine);
  await locateOwner(engine);
  const { id, owner, registry } = sessionIdentity();
  const lease = await shareLease(mode, { engine, session: id, owner });
  if (lease.reaper !== undefined) await claimLoadedTestcontainers();
  const scope = openScope('session', { engine: options.engine });
  const following = followEngine(registry, engine);
  const sweeping = sweepInBackground(options.engine);
  const writeSnapshot = planProcessSnapshot();
  const endLease = async (signal: AbortSignal): Promise<void> => {
    await sweeping.stop();
    try {
      await lease.end({
        isInUse: ending.isInUse ?? (() => hasOpenResources(registry)),
        beforeLast: async () => {
          const recorded = recordedIn(registry.list());
          await (ending.removeLeftovers?.(engine) ?? closeLeftovers(engine, id, { recorded, signal }));
        },
        retention: ending.retention,
      });
    } finally {
      await following.close();
    }
  };
  const end = async (): Promise<CloseReport> => {
    const { quietMs, silenceMs } = ending;
    const patience = new EndPatience({
      quietMs,
      silenceMs,
      ping: (timeoutMs) => isAnswering(engine, timeoutMs),
      waitingFor: () => listOpenNames(registry.list()),
      print,
    });
    const { signal } = patience;
    // A run has its own patience.
    if (ending.removeLeftovers === undefined) patience.start();
    try {
      const [closed] = await Promise.allSettled([scope.close({ signal })]);
      const [ended] = await Promise.allSettled([endLease(signal)]);
      return reportOf(id, closed, ended);
    } finally {
      patience.end();
      // That of a run is written when the run has closed.
      if (ending.removeLeftovers === undefined) writeSnapshot('session closed');
    }
  };
  let closing: Promise<CloseReport> | undefined;
  const close = (): Promise<CloseReport> => (closing ??= end());
  return {
    id,
    engine,
    labels: ownershipLabels({ session: id, owner, createdAt: new Date() }),
    registry,
    scope,
    get reaper() {
      return lease.reaper;
    },
    close,
    async [Symbol.asyncDispose]() {
      await close();
    },
  };
}

const inUse: readonly EntryState[] = ['registered', 'present', 'cleaning'];

function hasOpenResources(registry: Registry): boolean {
  return registry.list().some(({ state }) => inUse.includes(state));
}

/** @throws the only failure, or CastoffError `CLEANUP_FAILED` with both in `errors`. */
function reportOf(
  session: string,
  closed: PromiseSettledResult<CloseReport>,
  ended: PromiseSettledResult<void>,
): CloseReport {
  if (closed.status === 'fulfilled' && ended.status === 'fulfilled') return closed.value;
  const errors: unknown[] = [closed, ended].flatMap((result) =>
    result.status === 'rejected' ? [result.reason] : [],
  );
  if (errors.length < 2) throw errors[0];
  throw cleanupFailed(`close session ${session}: ${errors.length} failures`, errors);
}
