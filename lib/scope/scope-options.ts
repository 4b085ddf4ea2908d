import type { CloseReason } from './finalizer';

export interface ScopeOptions {
  /** Time for the scope's work, in milliseconds: then its `signal` aborts with a `DeadlineError`. Default: no limit. */
  readonly timeoutMs?: number | undefined;
  /** Cancels the scope's work when it aborts. */
  readonly signal?: AbortSignal | undefined;
  /** The engine's address, as `DOCKER_HOST` spells it. Default: the one that the environment names. */
  readonly engine?: string | undefined;
  /** Time for each finalizer and each group of removals when the scope closes, in milliseconds. Default 30 000. */
  readonly cleanupTimeoutMs?: number | undefined;
  /** The test that the scope belongs to, for the registry and the label `castoff.test`. */
  readonly test?: string | undefined;
}

export interface CloseOptions {
  /** What finalizers are told, unless the scope's signal was aborted before. Default `done`. */
  readonly reason?: CloseReason | undefined;
}
