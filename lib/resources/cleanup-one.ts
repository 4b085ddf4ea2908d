import { definedOnly } from '../core/defined-only';
import { isCastoffError } from '../core/errors';
import { processWide } from '../core/global-state';
import type { TimeoutOptions } from '../core/timeout';
import { SingleFlight } from '../core/single-flight';
import { timeouts } from '../core/timeouts';
import type { Engine } from '../engine/engine';
import type { EngineError } from '../engine/engine-error';
import { CleanupError } from './cleanup-error';
import { cleanupDefaults, type CleanupOptions } from './cleanup-options';
import { describeContainerProcess } from './container-process';
import { findResource } from './find-resource';
import type { RemovableKind, ResourceKind } from '../core/kinds';
import { isFullId, isSameResource } from './kind';
import { capturePostMortem, type PostMortem } from './post-mortem';
import type { GoneOutcome } from './removal';
import type { RemovalRules } from './removal-rules';
import { removables } from './removables';
import { RemovalTask } from './removal-task';

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

/** Result of a cleanup that was not skipped. */
export type Removal = CleanupResult & { readonly outcome: GoneOutcome };

/** Options of a cleanup inside the library, which has been given the engine. */
export type CleanupSettings = Omit<CleanupOptions, 'engine'> & RemovalRules;

/**
 * Removes one resource of any kind, and verifies that it is gone. Concurrent calls for one resource share one
 * removal, which uses the options of the first.
 *
 * @param given - Its id or name.
 * @throws CleanupError `CLEANUP_FAILED` when it still exists at the deadline or the engine refuses; the
 * signal's own reason.
 */
export async function cleanupOne(
  engine: Engine,
  kind: RemovableKind,
  given: string,
  options: CleanupSettings = {},
): Promise<Removal> {
  const startedAt = performance.now();
  const stopTimeoutMs =
    options.stopSignal === undefined ? cleanupDefaults.stopTimeoutMs : timeouts.stopGraceMs;
  const settings = { ...cleanupDefaults, stopTimeoutMs, ...definedOnly(options) };
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
  const failure = (cause: unknown): CleanupError => {
    // Without a task, the engine has not answered.
    const { id = given, name: title, state, lastError, pid } = task ?? {};
    const evidence = {
      kind,
      id,
      title,
      attempts: state?.removals ?? 0,
      durationMs: elapsedMs(),
      lastStatus: state?.status,
      process:
        kind === 'container' && isFullId(id) && mayHaveTried(lastError)
          ? describeContainerProcess(id, pid)
          : undefined,
      engineWords: lastError && `${lastError.status ?? ''} ${lastError.engineMessage}`.trim(),
    };
    return new CleanupError(evidence, removable.advice, cause);
  };
  try {
    const callLimits = { timeoutMs: callTimeoutMs, signal: settings.signal };
    const found = removable.isImmutableId(given)
      ? 'unknown'
      : await findResource(engine, removable, given, callLimits);
    const isAnother = typeof found === 'object' && matchesTarget?.(found.labels, found) === false;
    const { identity: before } = settings;
    const isReplaced =
      typeof found === 'object' &&
      before !== undefined &&
      !(await isSameResource(removable, engine, given, { before, now: found.identity }));
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
    if (outcome === undefined) throw failure(task.lastError);
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
    if (isOurDeadline) throw failure(task?.lastError ?? error);
    throw error;
  }
}

/** Whether the engine may have tried to kill the container: a failed connection proves nothing about it. */
function mayHaveTried(error: EngineError | undefined): boolean {
  return error !== undefined && (error.status !== undefined || error.engineMessage.startsWith('no response'));
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
