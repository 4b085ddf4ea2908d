import { deadline, inheritLimits } from '../core/deadline';
import { isCastoffError } from '../core/errors';
import type { CloseReason } from './close-report';

/** The sources that can abort a scope's work. */
export interface ScopeSignalOptions {
  readonly what: string;
  readonly timeoutMs?: number | undefined;
  /** The user's signal; cancels the work when it aborts. */
  readonly signal?: AbortSignal | undefined;
  /** The parent's signal cancels this one; a child that its parent closes has the parent's close reason. */
  readonly parent?: ScopeSignal | undefined;
}

/** The abort signal of a scope's work, created on first use: most scopes never cancel anything. */
export class ScopeSignal {
  readonly #own = new AbortController();
  readonly #options: ScopeSignalOptions;
  #signal: AbortSignal | undefined;
  #closedFor: CloseReason | undefined;

  constructor(options: ScopeSignalOptions) {
    this.#options = options;
    const { timeoutMs, signal, parent } = options;
    // The timeout starts when the scope opens, and only a combined signal records which of two aborted first.
    if (timeoutMs !== undefined || (signal !== undefined && parent !== undefined)) this.get();
  }

  get(): AbortSignal {
    if (this.#signal !== undefined) return this.#signal;
    const { what, timeoutMs, signal, parent } = this.#options;
    const sources = [signal, parent?.get()].filter((source) => source !== undefined);
    const any = AbortSignal.any([this.#own.signal, ...sources]);
    // Without a listener, Node 24.21 computes `reason` on first read, by list order instead of time.
    if (!any.aborted) any.addEventListener('abort', () => undefined, { once: true });
    inheritLimits(any, sources);
    this.#signal = timeoutMs === undefined ? any : deadline(timeoutMs, { what, signal: any });
    return this.#signal;
  }

  /** Aborts the work because its scope closes. */
  close(reason: CloseReason, error: unknown): void {
    this.#closedFor = reason;
    this.#own.abort(error);
  }

  /** Returns why the work ended: the first reason wins. `undefined` while it continues. */
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
