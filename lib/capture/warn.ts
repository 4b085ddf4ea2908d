import { warnOf } from '../core/print';
import { messageOf } from '../core/errors';

/** Tells of something that castoff could not see to, and of what follows from it. */
export function warnRaw(what: string, error: unknown, consequence: string): void {
  warnOf(`${what}: ${messageOf(error)}; ${consequence}`, 'CASTOFF_RAW_WATCH');
}
