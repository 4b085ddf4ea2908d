import { deadline } from '../core/deadline';
import { isCastoffError } from '../core/errors';
import type { CloseReason } from './finalizer';

export interface ScopeSignalOptions {
  readonly what: string;
  readonly timeoutMs?: number | undefined;
  /** Signals that cancel this one: the user's and the parent scope's. */
  readonly above: readonly (() => AbortSignal | undefined)[];
}

/** The signal of a scope's work, made when first asked for: most scopes never cancel anything. */
export class ScopeSignal {
  readonly #own = new AbortController();
  readonly #options: ScopeSignalOptions;
  #signal: AbortSignal | undefined;

  constructor(options: ScopeSignalOptions) {
    this.#options = options;
    // The time runs from the opening of the scope, not from the first look at its signal.
    if (options.timeoutMs !== undefined) this.get();
  }

  get(): AbortSignal {
    if (this.#signal !== undefined) return this.#signal;
    const { above, what, timeoutMs } = this.#options;
    const given = above.map((signal) => signal()).filter((signal) => signal !== undefined);
    const any = AbortSignal.any([this.#own.signal, ...given]);
    this.#signal = timeoutMs === undefined ? any : deadline(timeoutMs, { what, signal: any });
    return this.#signal;
  }

  abort(reason: unknown): void {
    this.#own.abort(reason);
  }

  /** Why the work was ended, if it was: the first reason wins. */
  reason(): CloseReason | undefined {
    const signals =
      this.#signal === undefined ? this.#options.above.map((signal) => signal()) : [this.#signal];
    const aborted = signals.find((signal) => signal?.aborted);
    if (aborted === undefined) return undefined;
    return isCastoffError(aborted.reason, 'DEADLINE_EXCEEDED') ? 'deadline' : 'cancelled';
  }
}
