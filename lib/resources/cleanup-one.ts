import { definedOnly } from '../core/defined-only';
import { checkDuration } from '../core/durations';
import { isCastoffError } from '../core/errors';
import { processWide } from '../core/global-state';
import type { OptionNames } from '../core/option-names';
import { withTimeout, type TimeoutOptions } from '../core/timeout';
import { SingleFlight } from '../core/single-flight';
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
import { checkStopSignal, defaultGraceMs } from './stop-options';
import { removables } from './removables';
import { RemovalTask } from './removal-task';

export interface CleanupOptions {
  /** The engine's address, as `DOCKER_HOST` spells it. Default: the one that the environment names. */
  readonly engine?: string | undefined;
  /** Grace before SIGKILL, in milliseconds; the engine counts whole seconds, rounded up. Default 0: kill at once. */
  readonly stopTimeoutMs?: number | undefined;
  /** What asks a container to stop: `SIGINT`. Default: its image's own stop signal. With it `stopTimeoutMs` is 10 000 by default. */
  readonly stopSignal?: string | undefined;
  /** Whether a container's anonymous volumes go with it. Default true. */
  readonly removeVolumes?: boolean | undefined;
  /** How long to go on until it is gone, in milliseconds. Default 30 000. */
  readonly timeoutMs?: number | undefined;
  /** Ends the waiting, with its own reason; a removal that was sent goes on. */
  readonly signal?: AbortSignal | undefined;
  /** Whether to read a container's state and last output before its removal. Default false. */
  readonly postMortem?: boolean | undefined;
}

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
  timeoutMs: 30_000,
  postMortem: false,
});

export interface CleanupResult {
  readonly kind: ResourceKind;
  /** The full id, or the name where a name is all there is; empty for nothing. */
  readonly id: string;
  readonly name?: string | undefined;
  /**
   * `removed`: by this cleanup. `already-gone`: it was not there. `removed-elsewhere`: somebody else's removal, seen to its
   * end. `skipped`: nothing was given.
   */
  readonly outcome: GoneOutcome | 'skipped';
  /** Removals sent. */
  readonly attempts: number;
  readonly durationMs: number;
  readonly postMortem?: PostMortem | undefined;
}

/** Cleans up one thing of any kind: what the public functions do. */
export async function cleanupOne(
  kind: RemovableKind,
  ref: Ref | null | undefined,
  options: CleanupOptions & RemovalRules = {},
): Promise<CleanupResult> {
  const startedAt = performance.now();
  const stopTimeoutMs = options.stopSignal === undefined ? defaults.stopTimeoutMs : defaultGraceMs;
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
    const patience = { timeoutMs: callTimeoutMs, signal: settings.signal };
    const found = removable.isImmutableId(given)
      ? 'unknown'
      : await findResource(engine, removable, given, patience);
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
          onOver: release,
        }),
    );
    const { outcome, postMortem } = await task.waitFor(limits());
    // Not an answer of the engine, and nothing that advice about it would help.
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

/** @throws CastoffError `CLEANUP_FAILED` where that cannot be known. */
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

// Long enough for a busy engine, short enough that a lost answer leaves time to look and to try again.
export function callTimeoutFor(timeoutMs: number): number {
  return Math.min(5_000, Math.max(100, timeoutMs / 6));
}

// Without a remover no engine has answered.
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
