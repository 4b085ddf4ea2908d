import { deadline } from '../core/deadline';
import { isCastoffError } from '../core/errors';
import type { CloseReason } from './finalizer';

export interface ScopeSignalOptions {
  readonly what: string;
  readonly timeoutMs?: number | undefined;
  /** Cancels the work when it aborts: the user's. */
  readonly signal?: AbortSignal | undefined;
  /** That of the scope above, which cancels this one; when that one closes, this one closes for its reason. */
  readonly parent?: ScopeSignal | undefined;
}

/** The signal of a scope's work, made when first asked for: most scopes never cancel anything. */
export class ScopeSignal {
  readonly #own = new AbortController();
  readonly #options: ScopeSignalOptions;
  #signal: AbortSignal | undefined;
  #closedFor: CloseReason | undefined;

  constructor(options: ScopeSignalOptions) {
    this.#options = options;
    const { timeoutMs, signal, parent } = options;
    // The time runs from the opening of the scope, and of two signals only one made of both tells which was first.
    if (timeoutMs !== undefined || (signal !== undefined && parent !== undefined)) this.get();
  }

  get(): AbortSignal {
    if (this.#signal !== undefined) return this.#signal;
    const { what, timeoutMs, signal, parent } = this.#options;
    const above = [signal, parent?.get()].filter((one) => one !== undefined);
    const any = AbortSignal.any([this.#own.signal, ...above]);
    // Where nobody listens, Node 24.21 looks for a reason when it is asked for, and takes the first in the list, not in time.
    any.addEventListener('abort', () => undefined, { once: true });
    this.#signal = timeoutMs === undefined ? any : deadline(timeoutMs, { what, signal: any });
    return this.#signal;
  }

  /** Ends the work because its scope closes. */
  close(reason: CloseReason, error: unknown): void {
    this.#closedFor = reason;
    this.#own.abort(error);
  }

  /** Why the work was ended, if it was: the first reason wins. */
  reason(): CloseReason | undefined {
    if (this.#closedFor !== undefined) return this.#closedFor;
    const { signal: given, parent } = this.#options;
    const signal = this.#signal ?? given;
    if (signal === undefined) return parent?.reason();
    if (!signal.aborted) return undefined;
    if (parent !== undefined && signal.reason === parent.get().reason) return parent.reason();
    return isCastoffError(signal.reason, 'DEADLINE_EXCEEDED') ? 'deadline' : 'cancelled';
  }
}
