import { CastoffError } from '../core/errors';

/** The engine's own, for a stop that names none. */
export const defaultGraceMs = 10_000;

/** @throws CastoffError `CONFIG_INVALID` for what is no signal, and for one that a kill at once leaves no time for. */
export function checkStopSignal(stopSignal: unknown, stopTimeoutMs: number | undefined): void {
  if (stopSignal === undefined) return;
  if (typeof stopSignal !== 'string' || !/^SIG[A-Z]+[A-Z0-9+-]*$/.test(stopSignal))
    throw new CastoffError(
      'CONFIG_INVALID',
      `stopSignal: got ${JSON.stringify(stopSignal) ?? typeof stopSignal}; give a signal's name, such as 'SIGINT'`,
    );
  if (stopTimeoutMs === 0)
    throw new CastoffError(
      'CONFIG_INVALID',
      `stopSignal: got ${stopSignal} with stopTimeoutMs 0, which kills at once; give it time`,
    );
}
