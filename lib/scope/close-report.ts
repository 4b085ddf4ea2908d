import { CastoffError, isCastoffError, messageLines } from '../core/errors';
import type { CleanupResult } from '../resources/cleanup-one';
import type { CommandEnd } from './command-end';

/**
 * Why a scope closes. `done`: its owner finished. `failed`: its owner reported a failure. `deadline`: its
 * timeout expired. `cancelled`: its signal, or its parent's, was aborted.
 */
export type CloseReason = 'done' | 'failed' | 'deadline' | 'cancelled';

/** The state and the outcome of a task. */
export interface TaskRecord {
  readonly name: string;
  readonly startedAt: Date;
  /** `undefined`: it is still running. */
  readonly endedAt?: Date | undefined;
  /** `cancelled`: ended by the abort of its signal. `stuck`: still running some time after the abort. */
  readonly outcome: 'running' | 'done' | 'failed' | 'cancelled' | 'stuck';
}

/** The outcome of one item of a scope. */
export interface FinalizerEnd {
  /** The name given to `defer`, `container web (3f2a91c0)` or `scope child`. */
  readonly what: string;
  /** Where the item was added to the scope: `file:line`. */
  readonly source?: string | undefined;
  readonly durationMs: number;
  /** For a resource on an engine. */
  readonly result?: CleanupResult | undefined;
  /** For a task. */
  readonly task?: TaskRecord | undefined;
  /** For a command. */
  readonly command?: CommandEnd | undefined;
  /** The resource was kept on purpose. */
  readonly isKept?: boolean | undefined;
  readonly error?: unknown;
}

/** The outcome of closing a scope; `ends` has one outcome per item, in the order in which they ended. */
export interface CloseReport {
  readonly scope: string;
  readonly reason: CloseReason;
  readonly durationMs: number;
  readonly ends: readonly FinalizerEnd[];
}

/** Items of a closed scope failed (`CLEANUP_FAILED`): `errors` has every failure, `report` every outcome. */
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
      `close scope ${report.scope}: ${failed.length} of ${countItems(report.ends.length)} failed\n${lines.map((line) => `  ${line}`).join('\n')}`,
      {
        cause: failed[0]?.error,
        errors: failed.map((end) => end.error),
      },
    );
    this.report = report;
  }
}

function countItems(count: number): string {
  return count === 1 ? '1 item' : `${count} items`;
}
