import { CastoffError } from '../core/errors';
import type { Verdict } from '../verdict/verdict';
import type { GlobalConfig } from './global-hook';

/**
 * Has Jest end with exit code 1. It does when its teardown throws, but then it leaves out what else it would do: writing its results
 * as JSON, where the exit code alone has to say it, and listening to the keys of its watch mode, where the verdict is enough.
 *
 * @throws CastoffError `LEAKS_FOUND`, `CLEANUP_FAILED`
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
    ? withoutStack(new CastoffError('LEAKS_FOUND', 'castoff: the run has leaked, see above'))
    : withoutStack(
        new CastoffError(
          'CLEANUP_FAILED',
          failures.length === 0 && left.every(({ lastLook }) => lastLook === 'gone')
            ? 'castoff: some of the run could not be removed at first, see above'
            : left.some(({ lastLook }) => lastLook === 'there')
              ? 'castoff: not all of the run could be removed, see above'
              : 'castoff: not all of the run is known to be gone, see above',
        ),
      );
}

/** Jest prints the stack, and it would say nothing: the verdict has the lines that matter. */
function withoutStack(error: CastoffError): CastoffError {
  error.stack = `${error.code}: ${error.message}`;
  return error;
}
