/**
 * Why a scope closes. `done`: its owner finished. `failed`: its owner reported a failure. `deadline`: its
 * timeout expired. `cancelled`: its signal, or its parent's, was aborted.
 */
export type CloseReason = 'done' | 'failed' | 'deadline' | 'cancelled';

/** The argument of a finalizer. */
export interface Closing {
  readonly reason: CloseReason;
  /** Aborts when the finalizer's own timeout expires, not when the scope's work is cancelled. */
  readonly signal: AbortSignal;
}

/** Runs when its scope closes, which awaits the returned value. */
export type Finalizer = (closing: Closing) => unknown;
