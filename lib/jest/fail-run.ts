import { CastoffError } from '../core/errors';
import type { Verdict } from '../verdict/verdict';
import type { GlobalConfig } from './global-hook';

/**
 * Makes Jest exit with code 1 by throwing in its teardown. Jest then skips the rest of its work: so with
 * `--json` this sets the exit code only, and in watch mode it does nothing.
 *
 * @throws CastoffError `LEAKS_FOUND` for leaks if `leaks` is `fail`; else `CLEANUP_FAILED`.
 */
export function failRun({ leaks, mode, left, failures }: Verdict, globalConfig: GlobalConfig): void {
  const { json, outputFile, testResultsProcessor, watch, watchAll } = globalConfig;
  if (watch === true || watchAll === true) return;
  if (json === true || outputFile != null || testResultsProcessor != null) {
    process.once('exit', () => {
      process.exitCode ||= 1;
    });
    return;
  }
  throw mode === 'fail' && leaks.length > 0
    ? withoutStack(new CastoffError('LEAKS_FOUND', 'castoff: the run leaked resources, see above'))
    : withoutStack(
        new CastoffError(
          'CLEANUP_FAILED',
          failures.length === 0 && left.every(({ lastLook }) => lastLook === 'gone')
            ? 'castoff: some resources of this run could not be removed at first, see above'
            : left.some(({ lastLook }) => lastLook === 'there')
              ? 'castoff: some resources of this run could not be removed, see above'
              : 'castoff: some resources of this run may still exist, see above',
        ),
      );
}

/** Shortens the stack, which Jest prints, to the message: the verdict has the lines that matter. */
function withoutStack(error: CastoffError): CastoffError {
  error.stack = `${error.code}: ${error.message}`;
  return error;
}
