import { formatDuration, checkDuration } from './durations';
import { CastoffError, type CastoffErrorOptions } from './errors';
import { checkOptionNames, type OptionNames } from './option-names';

/** Thrown when a timeout expires (`DEADLINE_EXCEEDED`). */
export class DeadlineError extends CastoffError {
  readonly what: string;
  readonly timeoutMs: number;

  constructor(what: string, timeoutMs: number, options: Pick<CastoffErrorOptions, 'cause'> = {}) {
    super('DEADLINE_EXCEEDED', `${what}: timed out after ${formatDuration(timeoutMs)}`, options);
    this.what = what;
    this.timeoutMs = timeoutMs;
  }
}

/** The operation that has the deadline, and a signal that ends it early. */
export interface DeadlineOptions {
  /** For the error: `start postgres`. */
  readonly what: string;
  /** Aborts the returned signal early, with its own reason. */
  readonly signal?: AbortSignal | undefined;
}

const names: OptionNames<DeadlineOptions> = { what: true, signal: true };

/**
 * Returns a signal that aborts after `timeoutMs` milliseconds, or earlier when `options.signal` aborts.
 *
 * The reason is a `DeadlineError`, or the reason of `options.signal`. The timer does not keep the process
 * alive.
 *
 * @throws CastoffError `CONFIG_INVALID` when `timeoutMs` is negative, NaN or longer than the longest timer.
 */
export function deadline(timeoutMs: number, options: DeadlineOptions): AbortSignal {
  checkOptionNames('deadline', options, names);
  checkDuration('timeoutMs', timeoutMs);
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new DeadlineError(options.what, timeoutMs)), timeoutMs);
  timer.unref();
  if (options.signal === undefined) return controller.signal;
  const combined = AbortSignal.any([controller.signal, options.signal]);
  combined.addEventListener('abort', () => clearTimeout(timer), { once: true });
  if (combined.aborted) clearTimeout(timer);
  return combined;
}
