import { safeForLog, safeLinesForLog } from './safe-text';

/**
 * Says one line on standard error. Jest's own streams may be those of a worker, or of a reporter that is in the middle of a line, and
 * standard output may be JSON for another program.
 */
export function print(words: string, who = 'castoff'): void {
  process.stderr.write(`${who}: ${safeForLog(words)}\n`);
}

/** Warns as Node does: on standard error, and to listeners of the process's `warning` event. */
export function printWarning(message: string, code?: string): void {
  process.emitWarning(safeLinesForLog(message), { type: 'CastoffWarning', code });
}
