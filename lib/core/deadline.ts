import { formatDuration, checkDuration } from './durations';
import { CastoffError, type CastoffErrorOptions } from './errors';
import { checkOptionNames, type OptionNames } from './option-names';

/** The cause of a {@link DeadlineError}, and what is known about the expired limit. */
export interface DeadlineErrorOptions extends Pick<CastoffErrorOptions, 'cause'> {
  /** Whether the limit looks too tight or the operation hangs; one line. */
  readonly finding?: string | undefined;
}

/** Thrown when a timeout expires (`DEADLINE_EXCEEDED`). */
export class DeadlineError extends CastoffError {
  readonly what: string;
  readonly timeoutMs: number;

  constructor(what: string, timeoutMs: number, { finding, ...options }: DeadlineErrorOptions = {}) {
    const suffix = finding === undefined ? '' : `; ${finding}`;
    super('DEADLINE_EXCEEDED', `${what}: timed out after ${formatDuration(timeoutMs)}${suffix}`, options);
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
 * Returns a signal that aborts after `timeoutMs` milliseconds, or earlier when `options.signal` aborts. Of
 * nested deadlines, the nearest one aborts the signal; its reason also lists the limits further away.
 *
 * The reason is a `DeadlineError`, or the reason of `options.signal`. The timer does not keep the process
 * alive; disposing of the signal (`using`) ends the timer.
 *
 * @throws CastoffError `CONFIG_INVALID` when `timeoutMs` is negative, NaN or longer than the longest timer.
 */
export function deadline(timeoutMs: number, options: DeadlineOptions): AbortSignal & Disposable {
  checkOptionNames('deadline', options, names);
  checkDuration('timeoutMs', timeoutMs);
  const { what, signal } = options;
  const controller = new AbortController();
  const combined = signal === undefined ? controller.signal : AbortSignal.any([controller.signal, signal]);
  const limit = { what, timeoutMs, signal, holdsProcess: false };
  const stop = startLimit(limit, (error) => controller.abort(error), combined);
  if (combined.aborted) stop();
  else combined.addEventListener('abort', stop, { once: true });
  const dispose = (): void => {
    combined.removeEventListener('abort', stop);
    stop();
  };
  return Object.defineProperty(combined, Symbol.dispose, { value: dispose }) as AbortSignal & Disposable;
}

/** A time limit of an operation. */
export interface Limit {
  /** The operation, for the error. */
  readonly what: string;
  readonly timeoutMs: number;
  /** Also limits the operation: the reason of a nearer limit that it comes from lists this one. */
  readonly signal?: AbortSignal | undefined;
  /** Whether the timer keeps the process alive. Default true. */
  readonly holdsProcess?: boolean | undefined;
  /** Returns the finding of the error; called when the limit expires. Must not throw. */
  readonly explain?: (() => string | undefined) | undefined;
}

/**
 * Starts the timer of a limit. Returns a function that ends it, which is idempotent.
 *
 * @param onExpired - Receives the error when the limit expires.
 * @param limited - The signal that aborts then: limits of operations that use it count as nested.
 */
export function startLimit(
  limit: Limit,
  onExpired: (error: DeadlineError) => void,
  limited?: AbortSignal,
): () => void {
  const { what, timeoutMs, signal, holdsProcess = true, explain } = limit;
  const nested = new Set<Limit>();
  const outer = signal === undefined ? [] : limitsBehind(signal);
  for (const limits of outer) limits.add(limit);
  if (limited !== undefined) nestedLimits.set(limited, [nested]);
  const stop = (): void => {
    clearTimeout(timer);
    for (const limits of outer) limits.delete(limit);
  };
  const timer = setTimeout(() => {
    const findings = [explain?.(), describeNested(nested)].filter((finding) => finding !== undefined);
    stop();
    const finding = findings.length === 0 ? undefined : findings.join('; ');
    onExpired(new DeadlineError(what, timeoutMs, { finding }));
  }, timeoutMs);
  if (!holdsProcess) timer.unref();
  return stop;
}

/** By signal: for each deadline that aborts it, the running limits of operations that use it. */
const nestedLimits = new WeakMap<AbortSignal, readonly Set<Limit>[]>();

function limitsBehind(signal: AbortSignal): readonly Set<Limit>[] {
  return nestedLimits.get(signal) ?? [];
}

/** Makes limits of operations that use `combined` count as nested in the deadlines behind `sources`. */
export function inheritLimits(combined: AbortSignal, sources: readonly AbortSignal[]): void {
  const limits = sources.flatMap(limitsBehind);
  if (limits.length > 0) nestedLimits.set(combined, limits);
}

const maxListed = 3;

function describeNested(nested: ReadonlySet<Limit>): string | undefined {
  if (nested.size === 0) return undefined;
  const listed = [...nested].slice(0, maxListed);
  const texts = listed.map(({ what, timeoutMs }) => `${what} (${formatDuration(timeoutMs)})`);
  const more = nested.size > maxListed ? `, and ${nested.size - maxListed} more` : '';
  return `this was the nearest limit; further away: ${texts.join(', ')}${more}`;
}
