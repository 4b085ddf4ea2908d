import { messageOf } from '../core/errors';

/** Tells of something that castoff could not see to, and of what follows from it. */
export function warnRaw(what: string, error: unknown, consequence = 'it goes on unwatched'): void {
  process.emitWarning(`${what}: ${messageOf(error)}; ${consequence}`, {
    type: 'CastoffWarning',
    code: 'CASTOFF_RAW_WATCH',
  });
}
