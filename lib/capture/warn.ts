import { printWarning } from '../core/print';
import { messageOf } from '../core/errors';

/** Tells of something that castoff could not see to, and of what follows from it. */
export function warnCapture(what: string, error: unknown, consequence: string): void {
  printWarning(`${what}: ${messageOf(error)}; ${consequence}`, 'CASTOFF_RAW_WATCH');
}
