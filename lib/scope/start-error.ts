import { CastoffError, messageOf } from '../core/errors';
import { formatPostMortem, type PostMortem } from '../resources/post-mortem';

export interface FailedStart {
  /** What was to be started: `PostgreSqlContainer`. */
  readonly what: string;
  readonly source: string | undefined;
  /** What the half-made containers were like before they were removed. */
  readonly postMortems: readonly PostMortem[];
  /** What could not be rolled back, if anything. */
  readonly rollbackErrors: readonly unknown[];
}

/**
 * A start failed or was aborted (`START_FAILED`): the original error is its `cause`, and what was half made has been removed,
 * or else stands in `errors` beside the cause.
 */
export class StartError extends CastoffError {
  readonly postMortems: readonly PostMortem[];

  constructor(failed: FailedStart, cause: unknown) {
    const { what, source, postMortems, rollbackErrors } = failed;
    const lines = [
      `start ${what}${source === undefined ? '' : ` (${source})`}: ${messageOf(cause)}`,
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
