import { asError, CastoffError, isCastoffError, messageLines, readField } from '../core/errors';
import type { CloseReport } from '../scope/close-report';
import type { TestContext } from './test-context';
import { isOwnFrame } from './test-errors';

/**
 * Converts the error of a context's close to errors for the runner: one per failed item, with the item's line
 * and the failure's own stack, and without nested lists that would repeat it.
 */
export function closeErrors(context: TestContext, error: unknown): readonly Error[] {
  const report = reportOf(error);
  if (report === undefined) return [asError(error)];
  return report.ends.flatMap((end) => {
    if (end.error === undefined) return [];
    const [first, ...rest] = messageLines(end.error);
    const at = end.source === undefined ? '' : ` (${end.source})`;
    const message = [`after ${context.name}: ${end.what}${at}: ${first}`, ...rest].join('\n');
    const cause = readField(end.error, 'cause');
    // A message of castoff includes its causes.
    const options = cause === undefined || isCastoffError(end.error) ? {} : { cause };
    const closeError = new CastoffError('CLEANUP_FAILED', message, options);
    closeError.stack = `${closeError.name}: ${closeError.message}${framesIn(readField(end.error, 'stack'))}`;
    return [closeError];
  });
}

function reportOf(error: unknown): CloseReport | undefined {
  return isCastoffError(error, 'CLEANUP_FAILED') && 'report' in error
    ? (error.report as CloseReport)
    : undefined;
}

function framesIn(stack: unknown): string {
  const lines = typeof stack === 'string' ? stack.split('\n') : [];
  return lines
    .filter((line) => /^\s+at\s/.test(line) && !isOwnFrame(line))
    .map((frame) => `\n${frame}`)
    .join('');
}
