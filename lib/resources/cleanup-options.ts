import { checkDuration } from '../core/durations';
import { CastoffError } from '../core/errors';
import { checkOptionNames, type OptionNames } from '../core/option-names';
import { timeouts } from '../core/timeouts';

/** Options of a cleanup. */
export interface CleanupOptions {
  /** The engine's address, in the format of `DOCKER_HOST`. Default: the engine that the environment names. */
  readonly engine?: string | undefined;
  /**
   * Grace before SIGKILL, in milliseconds, rounded up to whole seconds by the engine. Default 0: kill at
   * once.
   */
  readonly stopTimeoutMs?: number | undefined;
  /**
   * Signal that asks a container to stop, such as `SIGINT`. Default: its image's stop signal. When set,
   * `stopTimeoutMs` defaults to 10 000.
   */
  readonly stopSignal?: string | undefined;
  /** Whether to remove a container's anonymous volumes with it. Default true. */
  readonly removeVolumes?: boolean | undefined;
  /** Time limit for the verified removal, in milliseconds. Default 30 000. */
  readonly timeoutMs?: number | undefined;
  /** Stops waiting, with the signal's reason; a removal request already sent continues on the engine. */
  readonly signal?: AbortSignal | undefined;
  /** Whether to read a container's state and last output before removing it. Default false. */
  readonly postMortem?: boolean | undefined;
}

/** Names of {@link CleanupOptions}, to reject misspelt options. */
export const cleanupOptionNames: OptionNames<CleanupOptions> = {
  engine: true,
  stopTimeoutMs: true,
  stopSignal: true,
  removeVolumes: true,
  timeoutMs: true,
  signal: true,
  postMortem: true,
};

/** Defaults of {@link CleanupOptions}. */
export const cleanupDefaults = Object.freeze({
  stopTimeoutMs: 0,
  removeVolumes: true,
  timeoutMs: timeouts.cleanupMs,
  postMortem: false,
});

/**
 * Validates the options of a public cleanup function.
 *
 * @param what - What the function does, for the error.
 * @throws CastoffError `CONFIG_INVALID` for an unknown or invalid option.
 */
export function checkCleanupOptions<T extends CleanupOptions>(
  what: string,
  options: T,
  names: OptionNames<T>,
): void {
  checkOptionNames(what, options, names);
  const { timeoutMs = cleanupDefaults.timeoutMs, stopTimeoutMs, stopSignal } = options;
  checkDuration('timeoutMs', timeoutMs);
  if (stopTimeoutMs !== undefined) checkDuration('stopTimeoutMs', stopTimeoutMs);
  checkStopSignal(stopSignal, stopTimeoutMs);
}

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
