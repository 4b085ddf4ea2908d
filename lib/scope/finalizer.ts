/**
 * Why a scope closes. `done`: its owner has finished. `failed`: its owner says that its work failed. `deadline`: its time ran
 * out. `cancelled`: its signal, or its parent's, was aborted.
 */
export type CloseReason = 'done' | 'failed' | 'deadline' | 'cancelled';

/** What a finalizer is told. */
export interface Closing {
  readonly reason: CloseReason;
  /** Aborts when the finalizer's own time is up; never because the scope's work was cancelled. */
  readonly signal: AbortSignal;
}

/** Runs when its scope closes; what it returns is awaited. */
export type Finalizer = (closing: Closing) => unknown;
