import { CastoffError, isCastoffError, messageOf } from '../core/errors';
import type { CleanupResult } from '../resources/cleanup-one';
import type { CommandEnd } from './command-end';
import type { CloseReason } from './finalizer';
import type { TaskRecord } from './task-record';

/** How one thing of a scope ended. */
export interface FinalizerEnd {
  /** What it was: the words given to `defer`, `container web (3f2a91c0)`, `scope child`. */
  readonly what: string;
  /** Where it was given to the scope: `file:line`. */
  readonly source?: string | undefined;
  readonly durationMs: number;
  /** For what was removed from an engine. */
  readonly result?: CleanupResult | undefined;
  /** For a task. */
  readonly task?: TaskRecord | undefined;
  /** For a command. */
  readonly command?: CommandEnd | undefined;
  /** It was left on purpose. */
  readonly isKept?: boolean | undefined;
  readonly error?: unknown;
}

/** How a scope closed; the ends in the order in which they came. */
export interface CloseReport {
  readonly scope: string;
  readonly reason: CloseReason;
  readonly durationMs: number;
  readonly ends: readonly FinalizerEnd[];
}

/** A scope closed, and not everything in it ended well (`CLEANUP_FAILED`): every failure is in `errors`, the whole in `report`. */
export class CloseError extends CastoffError {
  readonly report: CloseReport;

  constructor(report: CloseReport) {
    const failed = report.ends.filter((end) => end.error !== undefined);
    const lines = failed.flatMap(({ what, source, error }) => {
      const [first = '', ...rest] = messageLines(error);
      const line = source === undefined ? '' : ` (${source})`;
      const namesItself = line !== '' && isCastoffError(error) && first.includes(line);
      return [namesItself ? first : `${what}${line}: ${first}`, ...rest];
    });
    super(
      'CLEANUP_FAILED',
      `close scope ${report.scope}: ${failed.length} of ${report.ends.length} did not end well\n${lines.map((line) => `  ${line}`).join('\n')}`,
      {
        cause: failed[0]?.error,
        errors: failed.map((end) => end.error),
      },
    );
    this.report = report;
  }
}

/** What `error` says: all of it where it is of castoff, whose lists name what failed inside; else its first line. */
export function messageLines(error: unknown): readonly string[] {
  return isCastoffError(error) ? error.message.split('\n') : [messageOf(error)];
}
