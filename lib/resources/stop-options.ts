import { CastoffError } from '../core/errors';

/**
 * Validates `stopSignal`.
 *
 * @throws CastoffError `CONFIG_INVALID` for an invalid signal name, and for a signal with a `stopTimeoutMs`
 * of 0.
 */
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
      `stopSignal: got ${stopSignal} with stopTimeoutMs 0, which kills at once; set a stopTimeoutMs above 0`,
    );
}
