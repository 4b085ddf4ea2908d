import { dirname, resolve } from 'node:path';
import { firstSourceLine } from '../core/source-line';

/**
 * Returns the folder of the file that calls `callee`, or the working directory if the stack does not have it.
 * Jest does not pass a config its own path, which the config's relative paths depend on.
 */
export function folderOfCaller(callee: (...args: never[]) => unknown): string {
  const trace: { stack?: string } = {};
  Error.captureStackTrace(trace, callee);
  const line = firstSourceLine(trace.stack ?? '', process.cwd());
  return line === undefined ? process.cwd() : dirname(resolve(line.replace(/:\d+$/, '')));
}
