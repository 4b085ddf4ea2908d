import { startLimit } from '../core/deadline';
import { checkDuration } from '../core/durations';
import { CastoffError } from '../core/errors';
import { checkOptionNames, type OptionNames } from '../core/option-names';
import { withTimeout } from '../core/timeout';
import { explainTimeout, recordDuration } from './duration-history';

/** Options of `measure`. */
export interface MeasureOptions {
  /** Time limit in milliseconds. Default: no limit. */
  readonly timeoutMs?: number | undefined;
  /** Ends the wait early, with its own reason. */
  readonly signal?: AbortSignal | undefined;
}

const names: OptionNames<MeasureOptions> = { timeoutMs: true, signal: true };

/**
 * Runs `fn`, and keeps its duration in the history of `name` when it succeeds. When the limit expires, the
 * error compares it with the earlier runs: the limit is too tight, or `fn` hangs.
 *
 * Resolves to the result of `fn`. Leaves no timer and no listener. A limit ends the wait, and aborts the
 * signal that `fn` receives; `fn` itself has to end then.
 *
 * @param name - The same for each run: `import the catalogue`.
 * @param fn - Receives a signal that aborts at the limit, or with `options.signal`. Not called when that is
 * aborted already.
 * @param options.timeoutMs - Default: no limit.
 * @throws DeadlineError `DEADLINE_EXCEEDED` when the limit expires; the reason of `options.signal` when it
 * aborts; the error of `fn`; CastoffError `CONFIG_INVALID` for an invalid argument.
 */
export async function measure<T>(
  name: string,
  fn: (signal: AbortSignal) => T | PromiseLike<T>,
  options: MeasureOptions = {},
): Promise<T> {
  const what = checkArguments(name, fn, options);
  const { timeoutMs, signal } = options;
  signal?.throwIfAborted();
  const own = new AbortController();
  const limited = signal === undefined ? own.signal : AbortSignal.any([own.signal, signal]);
  const explain = (): string | undefined => explainTimeout(what, { limitMs: timeoutMs ?? 0 });
  const stop =
    timeoutMs === undefined
      ? undefined
      : startLimit({ what, timeoutMs, signal, explain }, (error) => own.abort(error), limited);
  const startedAt = performance.now();
  try {
    const result = await withTimeout((async () => fn(limited))(), { what, signal: limited });
    recordDuration(what, performance.now() - startedAt);
    return result;
  } finally {
    stop?.();
  }
}

function checkArguments(name: unknown, fn: unknown, options: MeasureOptions): string {
  if (typeof name !== 'string' || name === '')
    throw new CastoffError(
      'CONFIG_INVALID',
      `measure: got the name ${JSON.stringify(name)}; give a non-empty string`,
    );
  if (typeof fn !== 'function')
    throw new CastoffError(
      'CONFIG_INVALID',
      `measure ${name}: got a value of type ${typeof fn}; give a function`,
    );
  checkOptionNames('measure', options, names);
  if (options.timeoutMs !== undefined) checkDuration('timeoutMs', options.timeoutMs);
  return `measure ${name}`;
}
