import { CastoffError, messageOf } from '../core/errors';
import { formatPostMortem, type PostMortem } from '../resources/post-mortem';

/** A failed start and its rollback. */
export interface FailedStart {
  /** The class of the startable: `PostgreSqlContainer`. */
  readonly what: string;
  readonly source: string | undefined;
  /** Whether the expired limit looks too tight or the start hangs; one line. */
  readonly finding?: string | undefined;
  /** The state of partly created containers before they were removed. */
  readonly postMortems: readonly PostMortem[];
  /** Failures of the rollback, if any. */
  readonly rollbackErrors: readonly unknown[];
}

/**
 * A start failed or was aborted (`START_FAILED`); `cause` is the original error. Partly created resources
 * have been removed; if that failed too, `errors` has the cause and every failure of the rollback.
 */
export class StartError extends CastoffError {
  readonly postMortems: readonly PostMortem[];

  constructor(failed: FailedStart, cause: unknown) {
    const { what, source, finding, postMortems, rollbackErrors } = failed;
    const lines = [
      `start ${what}${source === undefined ? '' : ` (${source})`}: ${messageOf(cause)}`,
      ...(finding === undefined ? [] : [finding]),
      ...postMortems.map((postMortem) => formatPostMortem(postMortem)),
      ...rollbackErrors.map((error) => `not rolled back: ${messageOf(error)}`),
    ];
    super('START_FAILED', lines.join('\n'), {
      cause,
      errors: rollbackErrors.length === 0 ? undefined : [cause, ...rollbackErrors],
    });
    this.postMortems = postMortems;
  }
}
