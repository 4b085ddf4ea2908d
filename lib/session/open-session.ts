import type { BoundedLabels } from '../core/bounds';
import { CastoffError, messageOf } from '../core/errors';
import { ownershipLabels } from '../core/labels';
import { checkOptionNames, type OptionNames } from '../core/option-names';
import { print } from '../core/print';
import { connectEngine } from '../engine/connect';
import type { Engine } from '../engine/engine';
import { isAnswering } from '../engine/is-answering';
import { chooseReaper } from '../lease/reaper-choice';
import { shareLease } from '../lease/session-lease';
import type { EntryState } from '../registry/entry';
import { followEngine } from '../registry/follow';
import { recordedInRegistry } from '../registry/recorded';
import type { Registry } from '../registry/registry';
import { sessionIdentity } from '../registry/session-identity';
import type { CloseReport } from '../scope/close-report';
import { openScope } from '../scope/scope';
import { claimLoadedTestcontainers } from '../scope/testcontainers-session';
import { closeLeftovers } from './close-leftovers';
import { EndPatience, type EndPatienceOptions } from './end-patience';
import { namesOfOpen } from './open-names';
import { currentRunClient } from './current-run';
import type { Session, SessionOptions } from './session';
import { locateOwner } from '../sweep/owner-containers';
import { openSessionWithin } from './session-within';
import { sweepInBackground } from '../sweep/sweep-in-background';

/**
 * Opens a session: sees that the engine answers, and has a reaper hold its lease, so that nothing outlives this process however
 * it ends; then follows the engine, so that the registry also knows of what others remove, and begins to sweep what dead owners
 * left, for 1 s at the most. A second session shares the lease.
 *
 * A lease that is lost is taken again, with a `CastoffWarning` of the process for the loss and one for the return.
 *
 * In a process that works for a run of `castoff/jest`, the session is that run's: the run's reaper holds the lease, whatever
 * `reaper` says, and `close()` closes the scope and nothing else.
 *
 * @throws CastoffError `ENGINE_UNREACHABLE`; `CONFIG_INVALID`; `REAPER_UNAVAILABLE` when the `reaper` that is asked for by name,
 * `container` or `process`, cannot be had; `SCOPE_CLOSED` when the run is ending.
 */
export async function openSession(options: SessionOptions = {}): Promise<Session> {
  checkOptionNames('openSession', options, names);
  const link = currentRunClient();
  return link === undefined ? openOwnSession(options) : openSessionWithin(link, options);
}

const names: OptionNames<SessionOptions> = { engine: true, reaper: true };

/** How a session ends. */
export interface SessionEnding extends Pick<EndPatienceOptions, 'quietMs' | 'silenceMs'> {
  /** Whether the process has something that still needs the lease. */
  isInUse(): boolean;
  /** Removes what no scope had. */
  closeRest(engine: Engine): Promise<void>;
  /** Asked after that: the claims to be given up, so that the reaper leaves alone what they cover. */
  released(): readonly BoundedLabels[];
}

/** A session with a lease of its own. @internal */
export async function openOwnSession(
  options: SessionOptions = {},
  ending: Partial<SessionEnding> = {},
): Promise<Session & { readonly engine: Engine }> {
  const mode = chooseReaper(options.reaper, process.env['CASTOFF_REAPER']);
  const engine = await connectEngine(options.engine);
  await locateOwner(engine);
  const { id, owner, registry } = sessionIdentity();
  const lease = await shareLease(mode, { engine, session: id, owner });
  if (lease.reaper !== undefined) await claimLoadedTestcontainers();
  const scope = openScope('session', { engine: options.engine });
  const following = followEngine(registry, engine);
  const sweeping = sweepInBackground(options.engine);
  const endLease = async (signal: AbortSignal): Promise<void> => {
    await sweeping.stop();
    try {
      await lease.end({
        isInUse: ending.isInUse ?? (() => hasOpenThings(registry)),
        beforeLast: () =>
          ending.closeRest?.(engine) ??
          closeLeftovers(engine, id, { recorded: recordedInRegistry(registry.list()), signal }),
        released: ending.released,
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
      waitingFor: () => namesOfOpen(registry.list()),
      print,
    });
    const { signal } = patience;
    // A run has a patience of its own.
    if (ending.closeRest === undefined) patience.begin();
    try {
      const [closed] = await Promise.allSettled([scope.close({ signal })]);
      const [ended] = await Promise.allSettled([endLease(signal)]);
      return reportOf(id, closed, ended);
    } finally {
      patience.end();
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

/** What a scope that is open has, or is about to have. */
const inUse: readonly EntryState[] = ['registered', 'present', 'cleaning'];

function hasOpenThings(registry: Registry): boolean {
  return registry.list().some(({ state }) => inUse.includes(state));
}

/** @throws the failure of either, or `CLEANUP_FAILED` with both. */
function reportOf(
  session: string,
  closed: PromiseSettledResult<CloseReport>,
  ended: PromiseSettledResult<void>,
): CloseReport {
  if (closed.status === 'fulfilled' && ended.status === 'fulfilled') return closed.value;
  const errors: unknown[] = [closed, ended].flatMap((end) => (end.status === 'rejected' ? [end.reason] : []));
  if (errors.length < 2) throw errors[0];
  const reasons = errors.map((error) => `  ${messageOf(error)}`).join('\n');
  throw new CastoffError(
    'CLEANUP_FAILED',
    `close session ${session}: ${errors.length} failures\n${reasons}`,
    {
      cause: errors[0],
      errors,
    },
  );
}
