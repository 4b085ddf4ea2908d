import { formatDuration } from '../core/durations';
import { CastoffError, isCastoffError, messageOf } from '../core/errors';
import { shortId } from '../core/short-id';
import { EngineError } from '../engine/engine-error';
import type { ContainerProcess } from './container-process';
import type { RemovableKind } from '../core/kinds';
import type { EngineResource } from '../engine/identity';

/** Details of a cleanup that failed. */
export interface CleanupEvidence extends EngineResource {
  /** Its name, if different from its id. */
  readonly title?: string | undefined;
  /** Removals sent. */
  readonly attempts: number;
  readonly durationMs: number;
  /** Its last known state, such as `dead`. */
  readonly lastStatus?: string | undefined;
  /** Of a container that still runs: its main process, which the engine could not end. */
  readonly process?: ContainerProcess | undefined;
  /** The engine's last response, with its status: `403 network app has active endpoints`. */
  readonly engineWords?: string | undefined;
}

/** A resource still exists, or its removal could not be verified (`CLEANUP_FAILED`). */
export class CleanupError extends CastoffError {
  readonly evidence: CleanupEvidence;

  constructor(evidence: CleanupEvidence, advice: string, cause: unknown) {
    super('CLEANUP_FAILED', describe(evidence, advice), { cause });
    this.evidence = evidence;
  }
}

function describe(evidence: CleanupEvidence, advice: string): string {
  const { kind, title, id, attempts, durationMs, lastStatus, engineWords, process: main } = evidence;
  const what = title === undefined || title === id ? shortId(id) : `${title} (${shortId(id)})`;
  const tries = attempts === 1 ? '1 attempt' : `${attempts} attempts`;
  const response = engineWords ?? 'the engine did not answer';
  const state = lastStatus === undefined ? '' : `, last seen ${lastStatus}`;
  const running = main === undefined ? '' : `; ${describeProcess(main)}`;
  return `remove ${kind} ${what}: ${response} (${tries} in ${formatDuration(durationMs)}${state})${running}; ${advice}`;
}

function describeProcess({ pid, state, shim }: ContainerProcess): string {
  const more = [state === undefined ? '' : `state ${state}`, shim === undefined ? '' : `child of ${shim}`];
  const known = more.filter((text) => text !== '');
  return `its process ${pid}${known.length === 0 ? '' : ` (${known.join(', ')})`}`;
}

/** A container is kept (`CLEANUP_FAILED`): its Swarm service, which would recreate it, is not removed. */
export class ServiceKeptError extends CleanupError {
  /** Whether another attempt would fail, too. */
  readonly isFinal: boolean;

  constructor(evidence: CleanupEvidence, isFinal: boolean) {
    super(evidence, 'docker service rm removes it with its containers', undefined);
    this.isFinal = isFinal;
  }
}

/** A resource is kept (`CLEANUP_FAILED`): a session has adopted it since it was listed. */
export class AdoptedError extends CleanupError {
  constructor({ kind, id, name }: EngineResource & { readonly name: string }, session: string) {
    const engineWords = `session ${session} has adopted it`;
    super({ kind, id, title: name, attempts: 0, durationMs: 0, engineWords }, 'it is not removed', undefined);
  }
}

/** Why an attempt to remove a resource failed. */
export interface AttemptFailure {
  readonly error: unknown;
  /** The engine's response, or else the error's message. */
  readonly reason: string;
  /** Whether another attempt would fail, too: the engine refused. */
  readonly isFinal: boolean;
  readonly isAway: boolean;
  /** Whether its Swarm service is kept. */
  readonly isOfService: boolean;
}

/** Classifies the error of an attempt to remove a resource. */
export function attemptFailure(error: unknown): AttemptFailure {
  const cause = error instanceof CleanupError ? error.cause : error;
  const meaning = cause instanceof EngineError ? cause.meaning : undefined;
  return {
    error,
    reason: error instanceof CleanupError ? (error.evidence.engineWords ?? 'no answer') : messageOf(error),
    isFinal:
      error instanceof ServiceKeptError
        ? error.isFinal
        : meaning === 'refused' || error instanceof AdoptedError,
    isAway: meaning === 'engine-away' || isCastoffError(error, 'ENGINE_UNREACHABLE'),
    isOfService: error instanceof ServiceKeptError,
  };
}

/**
 * Returns the error for a resource that may have been recreated by others under the same name, and is kept.
 */
export function unclearError(kind: RemovableKind, name: string): CastoffError {
  return new CastoffError(
    'CLEANUP_FAILED',
    `remove ${kind} ${name}: kept, because it may have been recreated under the same name, and the engine's events do not go back far enough`,
  );
}
