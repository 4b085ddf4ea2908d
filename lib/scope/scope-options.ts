import type { Owner } from '../core/labels';
import type { OptionNames } from '../core/option-names';
import type { CloseReason } from './finalizer';
import type { DeferredRemoval } from './deferred-removal';
import type { OwnedTarget } from './owned-target';

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
  /**
   * Whose labels what is started carries. Default: those of this process.
   *
   * @internal
   */
  readonly identity?: { readonly owner: Owner; readonly worker: string | undefined } | undefined;
  /**
   * Awaited before a start registers and creates anything; when it rejects, so does the start.
   *
   * @internal
   */
  readonly ready?: (() => Promise<void>) | undefined;
}

export interface CloseOptions {
  /** What finalizers are told, unless the scope's signal was aborted before. Default `done`. */
  readonly reason?: CloseReason | undefined;
  /**
   * Takes over the last things in closing order, after which nothing else is to end: their removals have begun, and the close
   * does not wait for them, nor tell of them in its report.
   *
   * @internal
   */
  readonly handOver?: ((removal: DeferredRemoval) => void) | undefined;
  /**
   * Whether the close waits for a removal although `handOver` would take it. Asked before any removal of a group begins, and where
   * nothing is handed over, too.
   *
   * @internal
   */
  readonly mustWait?: ((target: OwnedTarget) => boolean | Promise<boolean>) | undefined;
  /**
   * Awaited before each removal begins; it must not reject.
   *
   * @internal
   */
  readonly beforeRemoval?: ((target: OwnedTarget) => Promise<void>) | undefined;
  /**
   * What is not removed, but noted as `kept`. It is asked about every kind: a network goes only without its containers.
   *
   * @internal
   */
  readonly isKept?: ((target: OwnedTarget) => boolean) | undefined;
  /**
   * Ends the waiting for the engine: removals that have not ended are failures then. Finalizers, tasks and commands keep their own time.
   *
   * @internal
   */
  readonly signal?: AbortSignal | undefined;
}

export const scopeOptionNames: OptionNames<ScopeOptions> = {
  timeoutMs: true,
  signal: true,
  engine: true,
  cleanupTimeoutMs: true,
  test: true,
  identity: true,
  ready: true,
};

export const closeOptionNames: OptionNames<CloseOptions> = {
  reason: true,
  handOver: true,
  mustWait: true,
  beforeRemoval: true,
  isKept: true,
  signal: true,
};
