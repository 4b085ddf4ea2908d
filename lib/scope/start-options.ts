import { checkDuration } from '../core/durations';
import { CastoffError } from '../core/errors';
import { checkOptionNames, type OptionNames } from '../core/option-names';
import { checkStopSignal } from '../resources/cleanup-options';

/** How a started resource is stopped when its scope closes. */
export interface StartOptions {
  /** Grace before SIGKILL, in milliseconds. Default 0: kill at once; 10 000 with a `stopSignal`. */
  readonly stopTimeoutMs?: number | undefined;
  /** The signal that stops it, such as `SIGINT`. Default: the image's stop signal. */
  readonly stopSignal?: string | undefined;
}

const names: OptionNames<StartOptions> = { stopTimeoutMs: true, stopSignal: true };

/** @throws CastoffError `CONFIG_INVALID` for an invalid or unknown option. */
export function checkStartOptions(options: StartOptions): void {
  checkOptionNames('scope.start', options, names);
  const { stopTimeoutMs, stopSignal } = options;
  if (stopTimeoutMs !== undefined) checkDuration('stopTimeoutMs', stopTimeoutMs);
  checkStopSignal(stopSignal, stopTimeoutMs);
}

function isGraceful({ stopTimeoutMs = 0, stopSignal }: StartOptions): boolean {
  return stopTimeoutMs > 0 || stopSignal !== undefined;
}

/** @throws CastoffError `CONFIG_INVALID` for a grace or signal: the engine only removes such a resource. */
export function refuseGraceful(what: string, options: StartOptions): void {
  if (!isGraceful(options)) return;
  throw new CastoffError(
    'CONFIG_INVALID',
    `scope.start: ${what} cannot be stopped gracefully; stopTimeoutMs and stopSignal are for containers and Compose projects`,
  );
}
