import { checkDuration } from '../core/durations';
import { CastoffError } from '../core/errors';
import { labelNames } from '../core/labels';
import { checkOptionNames, type OptionNames } from '../core/option-names';
import { withTimeout, type TimeoutOptions } from '../core/timeout';
import { connectEngine } from '../engine/connect';
import type { Engine } from '../engine/engine';
import { proveOwnersHere } from '../registry/owner';
import { callTimeoutFor } from '../resources/cleanup-one';
import { cleanupMany } from '../resources/plan';
import { findAdopted } from './adopted';
import { findEndedContainers, proveByContainers } from './owner-containers';
import { ownersOf } from './session-proof';
import { candidatesFromJournals } from './journal-candidates';
import { findSessions, type Findings } from './find-sessions';
import { judgeThirdParty, testcontainersSessionLabel } from './third-party-sessions';
import { judgeSession, type JudgedSession, type SweepRules, type SessionVerdict } from './judge-session';
import {
  idsOfLiveSessions,
  previewCandidate,
  removeCandidate,
  type RemovalCandidate,
  type RemoveLimits,
} from './remove-candidate';
import { totalsOf, type SweepReport, type SweptResource } from './sweep-report';
import { removeJournals } from './session-journals';

export interface SweepOptions {
  /** Removes nothing, and tells what would go. Default false. */
  readonly dryRun?: boolean | undefined;
  /** Only what is older than this goes, in milliseconds by the engine's clock; a session goes by its youngest. Default: any age. */
  readonly olderThanMs?: number | undefined;
  /** Also what Testcontainers has left and no owner of castoff's stands for. Needs `olderThanMs`. Default false. */
  readonly foreign?: boolean | undefined;
  /** Also what owners left that cannot be seen from here: of other hosts, of containers. Needs `olderThanMs`. Default false. */
  readonly otherHosts?: boolean | undefined;
  /** The engine's address, as `DOCKER_HOST` spells it. Default: the one that the environment names. */
  readonly engine?: string | undefined;
  /** Ends the sweep, with its own reason; a removal that was sent goes on. */
  readonly signal?: AbortSignal | undefined;
  /** How long to go on, in milliseconds; a removal that takes long holds up no other. Default 60 000. */
  readonly timeoutMs?: number | undefined;
  /**
   * Called when the removal of one thing has ended.
   *
   * @internal
   */
  readonly onProgress?: ((progress: { readonly done: number; readonly of: number }) => void) | undefined;
  /**
   * For how long one removal may hold up the next ones, in milliseconds. Default: a sixth of the time, 5 000 at the most.
   *
   * @internal
   */
  readonly stuckMs?: number | undefined;
}

const optionNames: OptionNames<SweepOptions> = {
  dryRun: true,
  olderThanMs: true,
  foreign: true,
  otherHosts: true,
  engine: true,
  signal: true,
  timeoutMs: true,
  onProgress: true,
  stuckMs: true,
};

/**
 * Removes what provably dead owners left: everything that carries the label of a session whose every owner is dead, and what
 * the journals of that session on this machine name. Dead is who ran on this boot in this pid namespace, where no process has
 * that pid and start any more, or on an earlier boot of this machine; what cannot be proven is kept.
 *
 * Resolves to a report on every thing that it looked at: what became of it, and why. What could not be removed stands there as
 * `failed`, with its error. A thing that somebody else removes meanwhile is gone too: sweeps may run at once. A running reaper
 * is left alone, and so is what belongs to another engine.
 *
 * @throws CastoffError `CONFIG_INVALID` for options that do not fit; `ENGINE_UNREACHABLE`; `ENGINE_REFUSED`; `DEADLINE_EXCEEDED`
 * when the engine did not tell in time what it has; the signal's own reason.
 */
export async function sweep(options: SweepOptions = {}): Promise<SweepReport> {
  const startedAt = performance.now();
  checkOptionNames('sweep', options, optionNames);
  const timeoutMs = checkOptions(options);
  const { signal, dryRun = false } = options;
  signal?.throwIfAborted();
  const leftMs = (): number => Math.max(0, timeoutMs - (performance.now() - startedAt));
  const limits = (): TimeoutOptions => ({ what: 'sweep', timeoutMs: leftMs(), signal });
  const engine = await withTimeout(connectEngine(options.engine), limits());
  const findings = await findSessions(engine, options.foreign === true, limits());
  const { judged, candidates, kept } = await judge(engine, findings, options);

  const results = dryRun
    ? await preview(engine, candidates)
    : await remove(engine, candidates, { ...options, leftMs, signal });
  if (!dryRun) removeFinishedJournals(judged, [...results, ...kept]);
  const things = [...results, ...kept];
  return {
    engine: engine.address,
    things,
    totals: totalsOf(things),
    durationMs: performance.now() - startedAt,
  };
}

function checkOptions({ timeoutMs = 60_000, olderThanMs, foreign, otherHosts }: SweepOptions): number {
  if (olderThanMs !== undefined && !(Number.isFinite(olderThanMs) && olderThanMs >= 0))
    throw new CastoffError('CONFIG_INVALID', `olderThanMs: got ${String(olderThanMs)}; give milliseconds`);
  const option = foreign === true ? 'foreign' : otherHosts === true ? 'otherHosts' : undefined;
  if (option !== undefined && olderThanMs === undefined)
    throw new CastoffError(
      'CONFIG_INVALID',
      `sweep with ${option}: nothing proves that its owners are dead; give olderThanMs, the age from which you know`,
    );
  return checkDuration('timeoutMs', timeoutMs);
}

type Judged = JudgedSession & Findings['sessions'][number];

async function judge(
  engine: Engine,
  { sessions, foreign, foreignProofs, reapers, nowMs }: Findings,
  { olderThanMs, otherHosts, foreign: isForeignWanted }: SweepOptions,
): Promise<{
  readonly judged: readonly Judged[];
  readonly candidates: readonly RemovalCandidate[];
  readonly kept: readonly SweptResource[];
}> {
  // Read after everything else: an owner that has ended by now has ended; one that is new has nothing here.
  const prove = proveOwnersHere();
  const rules: SweepRules = { olderThanMs, otherHosts, nowMs };
  const ended = await findEndedContainers(engine, sessions.flatMap(ownersOf));
  const judged = sessions.map((found) => ({
    ...found,
    ...judgeSession(found, proveByContainers(prove, ownersOf(found), ended), rules),
  }));
  const adoptionReason = findAdopted(judged);
  const living = judged.filter(({ proof }) => proof.state !== 'dead');
  const ofOthers =
    isForeignWanted === true && olderThanMs !== undefined
      ? judgeThirdParty(
          {
            resources: foreign,
            reapers,
            proofs: foreignProofs,
            ofLiving: living.flatMap(({ resources }) => resources),
            idsOfLiving: idsOfLiveSessions(),
          },
          { olderThanMs, nowMs },
        )
      : [];
  const verdicts = [...judged.flatMap((session) => session.verdicts), ...ofOthers];
  const journaled = await candidatesFromJournals(engine, judged);
  const candidates = [
    ...verdicts.filter(({ shouldRemove }) => shouldRemove).map(toCandidate),
    ...journaled.candidates,
  ];
  const adopted = candidates.flatMap(({ resource }): readonly SweptResource[] => {
    const proof = adoptionReason(resource);
    return proof === undefined ? [] : [{ ...resource, proof, action: 'kept' }];
  });
  return {
    judged,
    candidates: candidates.filter(({ resource }) => adoptionReason(resource) === undefined),
    kept: [
      ...verdicts
        .filter(({ shouldRemove }) => !shouldRemove)
        .map((verdict): SweptResource => ({ ...toSweptResource(verdict), action: 'kept' })),
      ...journaled.kept,
      ...adopted,
    ],
  };
}

function toSweptResource({
  resource,
  session,
  owner,
  proof,
  ageMs,
}: SessionVerdict): Omit<SweptResource, 'action'> {
  const { kind, id, name } = resource;
  return { kind, id, name, session, owner, proof, ageMs };
}

function toCandidate(verdict: SessionVerdict): RemovalCandidate {
  const { kind, id, labels } = verdict.resource;
  const { session, host, boot, pid, pidStart } = labelNames;
  const names = session in labels ? [session, host, boot, pid, pidStart] : [];
  const own = names.filter((name) => name in labels).map((name) => `${name}=${labels[name]}`);
  const foreign = own.length === 0 ? testcontainersSessionLabel(labels) : undefined;
  const needed = foreign === undefined ? own : [foreign];
  return { kind, id, refs: verdict.refs, resource: toSweptResource(verdict), labels: needed, listed: labels };
}

async function preview(
  engine: Engine,
  candidates: readonly RemovalCandidate[],
): Promise<readonly SweptResource[]> {
  const resources: SweptResource[] = [];
  for (const one of candidates) resources.push(await previewCandidate(engine, one));
  return resources;
}

async function remove(
  engine: Engine,
  candidates: readonly RemovalCandidate[],
  { onProgress, stuckMs, ...limits }: RemoveLimits & Pick<SweepOptions, 'onProgress' | 'stuckMs'>,
): Promise<readonly SweptResource[]> {
  let done = 0;
  const removeOne = async (one: RemovalCandidate): Promise<SweptResource> => {
    const resource = await removeCandidate(engine, one, limits);
    done += 1;
    onProgress?.({ done, of: candidates.length });
    return resource;
  };
  const results = await cleanupMany(candidates, removeOne, {
    stuckMs: stuckMs ?? callTimeoutFor(limits.leftMs()),
  });
  limits.signal?.throwIfAborted();
  return results.map(
    ({ target, result, error }) => result ?? { ...target.resource, action: 'failed', error: error as Error },
  );
}

/** A session of which nothing is left needs no journal any more. */
function removeFinishedJournals(judged: readonly Judged[], resources: readonly SweptResource[]): void {
  for (const { shouldRemove, session, journals } of judged) {
    const isLeft = resources.some(
      (resource) => resource.session === session && resource.action !== 'removed',
    );
    if (shouldRemove && journals !== undefined && !isLeft) removeJournals(journals);
  }
}
