import { debuglog } from 'node:util';
import { safeForLog } from './safe-text';

/**
 * Prints one line on standard error. Standard output may be JSON for another program, and Jest's own streams
 * may belong to a worker or be in the middle of a line.
 */
export function print(message: string, program = 'castoff'): void {
  process.stderr.write(`${program}: ${safeForLog(message)}\n`);
}

const debugLog = debuglog('castoff');

/** Logs a detail that is printed with `NODE_DEBUG=castoff`. */
export function logDebug(message: string): void {
  debugLog('%s', message);
}
