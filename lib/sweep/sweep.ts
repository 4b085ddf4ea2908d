import { checkDuration } from '../core/durations';
import { asError, CastoffError } from '../core/errors';
import { checkOptionNames, type OptionNames } from '../core/option-names';
import { withTimeout, type TimeoutOptions } from '../core/timeout';
import { timeouts } from '../core/timeouts';
import { connectEngine } from '../engine/connect';
import type { Engine } from '../engine/engine';
import { readWhenBack } from '../engine/read-when-back';
import { proveOwnersHere } from '../processes/owner';
import { cleanupAll } from '../resources/cleanup-all';
import { ServiceKeptError } from '../resources/cleanup-error';
import type { CleanupItem } from '../resources/cleanup-item';
import { callTimeoutFor } from '../resources/cleanup-one';
import { findAdopted, markerNames } from './find-adopted';
import { findEndedContainers, proveByContainers } from './owner-containers';
import { ownersOf } from './session-proof';
import { findCandidates, type Candidates } from './find-candidates';
import { listSessions, type Findings } from './find-sessions';
import { judgeThirdParty } from './third-party-sessions';
import { judgeSession, type JudgedSession, type SweepRules } from './judge-session';
import {
  idsOfLiveSessions,
  previewCandidate,
  removeCandidate,
  type CandidateEnd,
  type CandidateSettings,
  type RemovalCandidate,
} from './remove-candidate';
import { removeFinishedJournals } from './remove-finished-journals';
import { totalsOf, type SweepReport, type SweptResource } from './sweep-report';
import { selectBy, type Selection, type SweepFilter } from './selection';
import { sweepProcesses } from './sweep-processes';

/** Options of {@link sweep}. */
export interface SweepOptions {
  /** Whether to only report what would be removed. Default false. */
  readonly dryRun?: boolean | undefined;
  /**
   * Removes only sessions whose every resource is older than this, in milliseconds by the engine's clock.
   * Default: any age.
   */
  readonly olderThanMs?: number | undefined;
  /**
   * Whether to also remove what Testcontainers left without an owner known to castoff. Needs `olderThanMs`.
   * Default false.
   */
  readonly foreign?: boolean | undefined;
  /**
   * Whether to also remove what owners left that cannot be checked from here, such as on other hosts and in
   * containers. Needs `olderThanMs`. Default false.
   */
  readonly otherHosts?: boolean | undefined;
  /**
   * Called once for each resource that was found; what it returns false for stays, and is not in the report. Default:
   * all resources.
   */
  readonly filter?: SweepFilter | undefined;
  /** The engine's address, in the format of `DOCKER_HOST`. Default: the engine that the environment names. */
  readonly engine?: string | undefined;
  /** Stops the sweep, with the signal's reason; a removal request already sent continues on the engine. */
  readonly signal?: AbortSignal | undefined;
  /** Time limit, in milliseconds; one slow removal does not block others. Default 60 000. */
  readonly timeoutMs?: number | undefined;
  /** Called after each removal. @internal */
  readonly onProgress?: ((progress: { readonly done: number; readonly of: number }) => void) | undefined;
  /**
   * How long one removal may block later ones, in milliseconds. Default: a sixth of the time limit, at most 5
   * 000.
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
  filter: true,
  engine: true,
  signal: true,
  timeoutMs: true,
  onProgress: true,
  stuckMs: true,
};

/**
 * Removes what provably dead owners left: everything with the label of a session whose owners are all dead,
 * and everything that the journals of that session on this machine name. An owner is dead if it ran on this
 * boot in this pid namespace and no process has its pid and start any more, or if it ran on an earlier boot
 * of this machine. What cannot be proven is kept. The process groups of commands whose parent is dead are ended,
 * by SIGTERM, then by SIGKILL, also when no engine answers.
 *
 * Resolves to a report on every resource found, with the action taken and the reason. Failed removals are in
 * the report as `failed`, with their errors. A resource that another client removes meanwhile counts as
 * removed, so sweeps may run concurrently. Running reapers and resources on other engines are kept.
 *
 * @throws CastoffError `CONFIG_INVALID` for invalid options; `ENGINE_UNREACHABLE`; `ENGINE_REFUSED`;
 * `DEADLINE_EXCEEDED` when the engine did not list its resources in time; the signal's own reason.
 */
export async function sweep(options: SweepOptions = {}): Promise<SweepReport> {
  const startedAt = performance.now();
  checkOptionNames('sweep', options, optionNames);
  const timeoutMs = checkOptions(options);
  const selection = selectBy(options.filter);
  const { signal } = options;
  signal?.throwIfAborted();
  const leftMs = (): number => Math.max(0, timeoutMs - (performance.now() - startedAt));
  const limits = (): SweepLimits => ({ what: 'sweep', timeoutMs: leftMs(), signal });
  const ending = sweepProcesses({ ...options, selection, timeoutMs });
  // Reported below: it may reject while the engine is awaited.
  ending.catch(() => undefined);
  try {
    return await sweepEngine({ ...options, selection }, ending, limits);
  } finally {
    await Promise.allSettled([ending]);
  }
}

type SelectingOptions = SweepOptions & { readonly selection: Selection };

async function sweepEngine(
  options: SelectingOptions,
  ending: Promise<readonly SweptResource[]>,
  limits: () => SweepLimits,
): Promise<SweepReport> {
  const startedAt = performance.now();
  const { dryRun = false } = options;
  const engine = await withTimeout(connectEngine(options.engine), limits());
  const findings = await readWhenBack(() => listSessions(engine, options.foreign === true), limits());
  const { judged, candidates, kept, unclear } = await judge(engine, findings, options);

  const knownMarkers = markerNames(judged);
  const results = await act(engine, candidates, { ...options, knownMarkers, timeoutMs: limits().timeoutMs });
  const all = [
    ...results,
    ...(await ending),
    ...[...kept, ...unclear].map((resource): SweptResource => ({ ...resource, action: 'kept' })),
  ];
  if (!dryRun) removeFinishedJournals(judged, all);
  const things = all.filter((resource) => !options.selection.isRejected(resource));
  return {
    engine: engine.address,
    things,
    totals: totalsOf(things),
    durationMs: performance.now() - startedAt,
  };
}

interface SweepLimits extends TimeoutOptions {
  readonly timeoutMs: number;
}

function checkOptions({ olderThanMs, foreign, otherHosts, ...options }: SweepOptions): number {
  if (olderThanMs !== undefined && !(Number.isFinite(olderThanMs) && olderThanMs >= 0))
    throw new CastoffError('CONFIG_INVALID', `olderThanMs: got ${String(olderThanMs)}; give milliseconds`);
  const option = foreign === true ? 'foreign' : otherHosts === true ? 'otherHosts' : undefined;
  if (option !== undefined && olderThanMs === undefined)
    throw new CastoffError(
      'CONFIG_INVALID',
      `sweep with ${option}: its owners cannot be proven dead; set olderThanMs to remove by age`,
    );
  return checkDuration('timeoutMs', options.timeoutMs ?? timeouts.sweepMs);
}

async function judge(
  engine: Engine,
  { sessions, thirdParty, nowMs }: Findings,
  { olderThanMs, otherHosts, selection }: SelectingOptions,
): Promise<Candidates & { readonly judged: readonly JudgedSession[] }> {
  // Read last: an owner that has ended by now stays dead, and a new one has no resources in the listing.
  const prove = proveOwnersHere();
  const rules: SweepRules = { olderThanMs, otherHosts, nowMs };
  const ended = await findEndedContainers(engine, sessions.flatMap(ownersOf));
  const judged = sessions.map((found) =>
    judgeSession(found, proveByContainers(prove, ownersOf(found), ended), rules),
  );
  const live = judged.filter(({ proof }) => proof.state !== 'dead');
  const liveResources = live.flatMap(({ resources }) => resources);
  const ofOthers =
    thirdParty === undefined || olderThanMs === undefined
      ? []
      : judgeThirdParty(
          { ...thirdParty, liveResources, liveIds: idsOfLiveSessions() },
          { olderThanMs, nowMs },
        );
  const verdicts = [...judged.flatMap((session) => session.verdicts), ...ofOthers].map((verdict) => {
    const isSelected = selection.accepts(verdict.resource, verdict.target.labels);
    return isSelected ? verdict : { ...verdict, shouldRemove: false };
  });
  return { judged, ...(await findCandidates(engine, verdicts, judged, findAdopted(judged), selection)) };
}

/** Removes the candidates; in a dry run, finds out which it would keep. */
async function act(
  engine: Engine,
  candidates: readonly RemovalCandidate[],
  options: SweepOptions & { readonly timeoutMs: number } & Pick<CandidateSettings, 'knownMarkers'>,
): Promise<readonly SweptResource[]> {
  const { timeoutMs, signal, knownMarkers, dryRun, onProgress, stuckMs } = options;
  let done = 0;
  const targets = candidates.map((candidate) => {
    const labels = 'target' in candidate ? candidate.target.labels : undefined;
    return { ...candidate.resource, labels, candidate };
  });
  const { items } = await cleanupAll<(typeof targets)[number], CandidateEnd | undefined>(
    targets,
    async ({ candidate }, { timeoutMs: leftMs }) => {
      if (dryRun === true) return previewCandidate(engine, candidate);
      // No removal uses up the time of the others.
      const settings = { timeoutMs: Math.min(leftMs, timeouts.cleanupMs), signal, knownMarkers };
      return removeCandidate(engine, candidate, settings);
    },
    {
      timeoutMs,
      signal,
      stuckMs: stuckMs ?? callTimeoutFor(timeoutMs),
      onSettled: () => {
        done += 1;
        if (dryRun !== true) onProgress?.({ done, of: candidates.length });
      },
    },
  );
  signal?.throwIfAborted();
  return items.map((item) => sweptAfter(item.target.candidate, item));
}

function sweptAfter(
  { resource }: RemovalCandidate,
  { progress, result, error, reason }: CleanupItem<unknown, CandidateEnd | undefined>,
): SweptResource {
  if (error instanceof ServiceKeptError) return { ...resource, proof: reason, action: 'kept' };
  if (progress !== 'gone') return { ...resource, action: 'failed', error: asError(error) };
  if (result === undefined) return { ...resource, action: 'would-remove' };
  if ('keptReason' in result) return { ...resource, proof: result.keptReason, action: 'kept' };
  return { ...resource, action: 'removed', outcome: result.result.outcome };
}
