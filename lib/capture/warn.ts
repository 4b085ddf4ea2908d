import { printWarning } from '../core/print';
import { messageOf } from '../core/errors';

/** Warns, with code `CASTOFF_RAW_WATCH`, that castoff failed to capture something, and of the consequence. */
export function warnCapture(what: string, error: unknown, consequence: string): void {
  printWarning(`${what}: ${messageOf(error)}; ${consequence}`, 'CASTOFF_RAW_WATCH');
}
