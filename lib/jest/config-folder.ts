import { dirname, resolve } from 'node:path';
import { firstSourceLine } from '../core/source-line';

/**
 * The folder of the file that calls `called`: Jest does not tell a config where it stands, and what is relative in it is from
 * there. Where the stack does not say, the working directory.
 */
export function folderOfCaller(called: (...args: never[]) => unknown): string {
  const holder: { stack?: string } = {};
  Error.captureStackTrace(holder, called);
  const line = firstSourceLine(holder.stack ?? '', process.cwd());
  return line === undefined ? process.cwd() : dirname(resolve(line.replace(/:\d+$/, '')));
}
