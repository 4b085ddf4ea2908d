import type { OptionNames } from '../core/option-names';
import type { CloseLimit } from './close-limit';
import type { CloseReason } from './close-report';
import type { OwnedTarget, BackgroundRemoval } from './owned-resource';

/** Options of `scope.close`. */
export interface CloseOptions {
  /** Passed to finalizers, unless the scope's signal was aborted before. Default `done`. */
  readonly reason?: CloseReason | undefined;
  /**
   * Receives the removals of the resources that end last, which have then started. The close does not wait
   * for them, and its report omits them. Not called for resources that another item of the scope, or a check,
   * waits for. @internal
   */
  readonly onBackgroundRemoval?: ((removal: BackgroundRemoval) => void) | undefined;
  /**
   * Whether the close waits for a removal that `onBackgroundRemoval` would receive. Called for each resource
   * before the first removal of its group starts, even without `onBackgroundRemoval`. @internal
   */
  readonly shouldAwait?: ((target: OwnedTarget) => boolean | Promise<boolean>) | undefined;
  /** Awaited before each removal starts; must not reject. @internal */
  readonly beforeRemoval?: ((target: OwnedTarget) => Promise<void>) | undefined;
  /**
   * Whether to record a resource as `kept` instead of removing it: for every kind, as a kept container needs
   * its network. @internal
   */
  readonly isKept?: ((target: OwnedTarget) => boolean) | undefined;
  /** Fails removals that have not finished. Finalizers, tasks and commands keep their timeouts. @internal */
  readonly signal?: AbortSignal | undefined;
}

/** Settings of one close, resolved from its options and those of the scope. */
export interface CloseSettings extends CloseOptions {
  readonly reason: CloseReason;
  /** For each finalizer and each group of removals. */
  readonly cleanupTimeoutMs: number;
  /** For all of them. */
  readonly limit: CloseLimit;
}

/** Every name in `CloseOptions`, to reject unknown options. */
export const closeOptionNames: OptionNames<CloseOptions> = {
  reason: true,
  onBackgroundRemoval: true,
  shouldAwait: true,
  beforeRemoval: true,
  isKept: true,
  signal: true,
};
