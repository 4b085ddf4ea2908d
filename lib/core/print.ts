import { safeForLog, safeLinesForLog } from './safe-text';

/**
 * Prints one line on standard error. Standard output may be JSON for another program, and Jest's own streams
 * may belong to a worker or be in the middle of a line.
 */
export function print(message: string, program = 'castoff'): void {
  process.stderr.write(`${program}: ${safeForLog(message)}\n`);
}

/**
 * Emits a Node.js warning: printed on standard error, and passed to listeners of the process's `warning`
 * event.
 */
export function printWarning(message: string, code?: string): void {
  process.emitWarning(safeLinesForLog(message), { type: 'CastoffWarning', code });
}
