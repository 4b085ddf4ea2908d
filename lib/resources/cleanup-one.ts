import { definedOnly } from '../core/defined-only';
import { checkDuration } from '../core/durations';
import { isCastoffError } from '../core/errors';
import { processWide } from '../core/global-state';
import type { OptionNames } from '../core/option-names';
import { withTimeout, type TimeoutOptions } from '../core/timeout';
import { SingleFlight } from '../core/single-flight';
import { timeouts } from '../core/timeouts';
import { connectEngine } from '../engine/connect';
import type { Engine } from '../engine/engine';
import { CleanupError, unclearError } from './cleanup-error';
import { findResource, type Found } from './find-resource';
import type { RemovableKind } from '../engine/removable-kind';
import { compareIdentities, type Removable, type ResourceKind } from './kind';
import { capturePostMortem, type PostMortem } from './post-mortem';
import { idOfRef, type Ref } from './ref';
import type { GoneOutcome } from './removal';
import type { RemovalRules } from './removal-rules';
import { checkStopSignal } from './stop-options';
import { removables } from './removables';
import { RemovalTask } from './removal-task';

/** Options of a cleanup. */
export interface CleanupOptions {
  /** The engine's address, in the format of `DOCKER_HOST`. Default: the engine that the environment names. */
  readonly engine?: string | undefined;
  /**
   * Grace before SIGKILL, in milliseconds, rounded up to whole seconds by the engine. Default 0: kill at
   * once.
   */
  readonly stopTimeoutMs?: number | undefined;
  /**
   * Signal that asks a container to stop, such as `SIGINT`. Default: its image's stop signal. When set,
   * `stopTimeoutMs` defaults to 10 000.
   */
  readonly stopSignal?: string | undefined;
  /** Whether to remove a container's anonymous volumes with it. Default true. */
  readonly removeVolumes?: boolean | undefined;
  /** Time limit for the verified removal, in milliseconds. Default 30 000. */
  readonly timeoutMs?: number | undefined;
  /** Stops waiting, with the signal's reason; a removal request already sent continues on the engine. */
  readonly signal?: AbortSignal | undefined;
  /** Whether to read a container's state and last output before removing it. Default false. */
  readonly postMortem?: boolean | undefined;
}

/** Names of {@link CleanupOptions}, to reject misspelt options. */
export const cleanupOptionNames: OptionNames<CleanupOptions> = {
  engine: true,
  stopTimeoutMs: true,
  stopSignal: true,
  removeVolumes: true,
  timeoutMs: true,
  signal: true,
  postMortem: true,
};

const defaults = Object.freeze({
  stopTimeoutMs: 0,
  removeVolumes: true,
  timeoutMs: timeouts.cleanupMs,
  postMortem: false,
});

/** Result of one cleanup. */
export interface CleanupResult {
  readonly kind: ResourceKind;
  /** The full id, or the name for resources without an id; empty when skipped. */
  readonly id: string;
  readonly name?: string | undefined;
  /**
   * `removed`: by this cleanup. `already-gone`: it did not exist. `removed-elsewhere`: by another client,
   * observed to completion. `skipped`: `ref` was null or undefined.
   */
  readonly outcome: GoneOutcome | 'skipped';
  /** Removals sent. */
  readonly attempts: number;
  readonly durationMs: number;
  readonly postMortem?: PostMortem | undefined;
}

/**
 * Cleans up one resource of any kind; the public `cleanup…` functions call it.
 *
 * @throws CleanupError `CLEANUP_FAILED` when it still exists at the deadline or the engine refuses.
 * @throws CastoffError `CONFIG_INVALID` for an invalid reference or option; `ENGINE_UNREACHABLE` when no
 * engine answers.
 */
export async function cleanupOne(
  kind: RemovableKind,
  ref: Ref | null | undefined,
  options: CleanupOptions & RemovalRules = {},
): Promise<CleanupResult> {
  const startedAt = performance.now();
  const stopTimeoutMs = options.stopSignal === undefined ? defaults.stopTimeoutMs : timeouts.stopGraceMs;
  const settings = { ...defaults, stopTimeoutMs, ...definedOnly(options) };
  checkDuration('timeoutMs', settings.timeoutMs);
  checkDuration('stopTimeoutMs', settings.stopTimeoutMs);
  checkStopSignal(settings.stopSignal, settings.stopTimeoutMs);
  const given = idOfRef(`clean up ${kind === 'image' ? 'an' : 'a'} ${kind}`, ref);
  if (given === undefined) return { kind, id: '', outcome: 'skipped', attempts: 0, durationMs: 0 };
  settings.signal?.throwIfAborted();

  const elapsedMs = (): number => performance.now() - startedAt;
  const limits = (): TimeoutOptions => ({
    what: `remove ${kind} ${given}`,
    timeoutMs: Math.max(0, settings.timeoutMs - elapsedMs()),
    signal: settings.signal,
  });
  const removable = removables[kind];
  const { matchesTarget, callTimeoutMs = callTimeoutFor(settings.timeoutMs) } = settings;
  let task: RemovalTask | undefined;
  try {
    const engine = settings.connection ?? (await withTimeout(connectEngine(settings.engine), limits()));
    const callLimits = { timeoutMs: callTimeoutMs, signal: settings.signal };
    const found = removable.isImmutableId(given)
      ? 'unknown'
      : await findResource(engine, removable, given, callLimits);
    const isAnother = typeof found === 'object' && matchesTarget?.(found.labels, found) === false;
    const isReplaced = await isAnotherThan(settings.identity, found, { engine, removable, given });
    if (found === 'gone' || isAnother || isReplaced)
      return { kind, id: given, outcome: 'already-gone', attempts: 0, durationMs: elapsedMs() };

    const inspection = found === 'unknown' ? undefined : found;
    const id = inspection?.id ?? given;
    task = removalsInFlight().run(
      `${engine.address} ${kind} ${id}`,
      (release) =>
        new RemovalTask(engine, removable, id, {
          ...settings,
          callTimeoutMs,
          inspection,
          capture: kind === 'container' && settings.postMortem ? capturePostMortem : undefined,
          onClosed: release,
        }),
    );
    const { outcome, postMortem } = await task.waitFor(limits());
    // The request was never sent: advice about the engine would not help.
    if (outcome === undefined && task.lastError?.isUnsent === true) throw task.lastError.cause;
    if (outcome === undefined) throw failure(removable, given, task, elapsedMs(), task.lastError);
    return {
      kind,
      id: task.id,
      name: task.name,
      outcome,
      attempts: task.state.removals,
      durationMs: elapsedMs(),
      postMortem,
    };
  } catch (error) {
    const isOurDeadline = isCastoffError(error, 'DEADLINE_EXCEEDED') && error !== settings.signal?.reason;
    if (isOurDeadline) throw failure(removable, given, task, elapsedMs(), task?.lastError ?? error);
    throw error;
  }
}

/**
 * Whether the name now refers to another resource than `before`.
 *
 * @throws CastoffError `CLEANUP_FAILED` when that cannot be determined.
 */
async function isAnotherThan(
  before: string | undefined,
  found: Found,
  {
    engine,
    removable,
    given,
  }: { readonly engine: Engine; readonly removable: Removable; readonly given: string },
): Promise<boolean> {
  if (before === undefined || typeof found !== 'object') return false;
  const sameness = await compareIdentities(removable, engine, given, { before, now: found.identity });
  if (sameness === 'unclear') throw unclearError(removable.kind, given);
  return sameness === 'another';
}

const removalsInFlight = (): SingleFlight<RemovalTask> =>
  processWide('removals in flight', () => new SingleFlight<RemovalTask>());

/**
 * Returns the timeout of one engine call, in milliseconds: long enough for a busy engine, short enough to
 * inspect and retry after a lost response.
 */
export function callTimeoutFor(timeoutMs: number): number {
  return Math.min(5_000, Math.max(100, timeoutMs / 6));
}

// Without a task, no engine has answered.
function failure(
  removable: Removable,
  given: string,
  task: RemovalTask | undefined,
  durationMs: number,
  cause: unknown,
): CleanupError {
  const lastError = task?.lastError;
  return new CleanupError(
    {
      kind: removable.kind,
      id: task?.id ?? given,
      title: task?.name,
      attempts: task?.state.removals ?? 0,
      durationMs,
      lastStatus: task?.state.status,
      engineWords:
        lastError === undefined ? undefined : `${lastError.status ?? ''} ${lastError.engineMessage}`.trim(),
    },
    removable.advice,
    cause,
  );
}
