import { formatDuration, checkDuration } from './durations';
import { CastoffError } from './errors';
import { checkOptionNames, type OptionNames } from './option-names';

/** A time limit ran out (`DEADLINE_EXCEEDED`): says on what, and how long it was. */
export class DeadlineError extends CastoffError {
  readonly what: string;
  readonly timeoutMs: number;

  constructor(what: string, timeoutMs: number) {
    super('DEADLINE_EXCEEDED', `${what}: not done after ${formatDuration(timeoutMs)}`);
    this.what = what;
    this.timeoutMs = timeoutMs;
  }
}

export interface DeadlineOptions {
  /** What the limit is on, for the error: `start postgres`. */
  readonly what: string;
  /** Aborts the deadline's signal too, with its own reason. */
  readonly signal?: AbortSignal | undefined;
}

const names: OptionNames<DeadlineOptions> = { what: true, signal: true };

/**
 * A signal that aborts after `timeoutMs` milliseconds, with a `DeadlineError` as its reason, or when `signal` aborts, with
 * that one's reason, whichever is first. Its timer does not hold the process.
 *
 * @throws CastoffError `CONFIG_INVALID` when `timeoutMs` is negative, NaN or longer than a timer can be.
 */
export function deadline(timeoutMs: number, options: DeadlineOptions): AbortSignal {
  checkOptionNames('deadline', options, names);
  checkDuration('timeoutMs', timeoutMs);
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new DeadlineError(options.what, timeoutMs)), timeoutMs);
  timer.unref();
  if (options.signal === undefined) return controller.signal;
  const either = AbortSignal.any([controller.signal, options.signal]);
  either.addEventListener('abort', () => clearTimeout(timer), { once: true });
  if (either.aborted) clearTimeout(timer);
  return either;
}
