import { formatDuration } from '../core/durations';
import { CastoffError } from '../core/errors';
import { shortId } from '../core/short-id';
import type { RemovableKind } from '../engine/removable-kind';

/** What is known of a cleanup that did not succeed. */
export interface CleanupEvidence {
  readonly kind: RemovableKind;
  readonly id: string;
  /** What people call it, where that is not its id. */
  readonly title?: string | undefined;
  /** Removals sent. */
  readonly attempts: number;
  readonly durationMs: number;
  /** Its state when last looked at: `dead`. */
  readonly lastStatus?: string | undefined;
  /** What the engine last said, with its status: `403 network app has active endpoints`. */
  readonly engineWords?: string | undefined;
}

/** Something is still there, or could not be seen to be gone (`CLEANUP_FAILED`). */
export class CleanupError extends CastoffError {
  readonly evidence: CleanupEvidence;

  constructor(evidence: CleanupEvidence, advice: string, cause: unknown) {
    super('CLEANUP_FAILED', describe(evidence, advice), { cause });
    this.evidence = evidence;
  }
}

function describe(evidence: CleanupEvidence, advice: string): string {
  const { kind, title, id, attempts, durationMs, lastStatus, engineWords } = evidence;
  const what = title === undefined || title === id ? shortId(id) : `${title} (${shortId(id)})`;
  const tries = attempts === 1 ? '1 attempt' : `${attempts} attempts`;
  const words = engineWords ?? 'the engine did not answer';
  const seen = lastStatus === undefined ? '' : `, last seen ${lastStatus}`;
  return `remove ${kind} ${what}: ${words} (${tries} in ${formatDuration(durationMs)}${seen}); ${advice}`;
}

/** The failure of a removal that might take a resource that others have created under the same name. */
export function unclearError(kind: RemovableKind, name: string): CastoffError {
  return new CastoffError(
    'CLEANUP_FAILED',
    `remove ${kind} ${name}: it may be another one that was created under its name since, and the engine does not remember; it is kept`,
  );
}
