import { checkDuration } from '../core/durations';
import { CastoffError } from '../core/errors';
import { checkOptionNames, type OptionNames } from '../core/option-names';
import { checkStopSignal } from '../resources/stop-options';

/** How what was started ends when its scope closes. */
export interface StartOptions {
  /** Grace before SIGKILL, in milliseconds. Default 0: kill at once; 10 000 with a `stopSignal`. */
  readonly stopTimeoutMs?: number | undefined;
  /** What asks it to end: `SIGINT`. Default: the image's own stop signal. */
  readonly stopSignal?: string | undefined;
}

const names: OptionNames<StartOptions> = { stopTimeoutMs: true, stopSignal: true };

/** @throws CastoffError `CONFIG_INVALID` */
export function checkStartOptions(options: StartOptions): StartOptions {
  checkOptionNames('scope.start', options, names);
  const { stopTimeoutMs, stopSignal } = options;
  if (stopTimeoutMs !== undefined) checkDuration('stopTimeoutMs', stopTimeoutMs);
  checkStopSignal(stopSignal, stopTimeoutMs);
  return options;
}

/** Whether anything but an immediate kill is asked for. */
function isGraceful({ stopTimeoutMs = 0, stopSignal }: StartOptions): boolean {
  return stopTimeoutMs > 0 || stopSignal !== undefined;
}

/** @throws CastoffError `CONFIG_INVALID` for what the engine cannot stop: it would be removed at once all the same. */
export function refuseGraceful(what: string, options: StartOptions): void {
  if (!isGraceful(options)) return;
  throw new CastoffError(
    'CONFIG_INVALID',
    `scope.start: ${what} cannot be stopped gracefully; stopTimeoutMs and stopSignal are for containers and Compose projects`,
  );
}
