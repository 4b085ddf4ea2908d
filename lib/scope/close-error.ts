import { CastoffError, isCastoffError, messageLines } from '../core/errors';
import type { CloseReport } from './close-report';

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
