import type { Scope } from '../scope/scope';

/** Symbol of the global object that holds the {@link Bridge} of a test file or global setup. */
export const bridgeKey: unique symbol = Symbol.for('castoff.runner');

/** Options of a shared resource. */
export interface SharedOptions {
  /**
   * Limit for waiting for another caller's factory, and for the factory itself, in milliseconds. Default 120
   * 000.
   */
  readonly timeoutMs?: number | undefined;
}

/**
 * The part of castoff outside of the sandbox. `castoff/jest` only forwards to it, so that a test file loads
 * little code.
 */
export interface Bridge {
  /**
   * Returns the scope of the calling code: that of its test, `describe` or file, or of the run.
   *
   * @throws CastoffError `SCOPE_CLOSED` when the caller's test has ended; `CONFIG_INVALID` when the calling
   * code has no scope.
   */
  scope(): Scope;
  /** Resolves to the JSON of the value that `factory` returned, in this worker or another one. */
  shared(name: string, factory: SharedFactory, options: SharedOptions): Promise<string>;
  /** As `shared`, but creates one value per worker. */
  sharedPerWorker(name: string, factory: SharedFactory, options: SharedOptions): Promise<string>;
}

/**
 * The scope of a shared resource. It owns only resources on the engine, because it outlives the process that
 * creates them.
 */
export type SharedScope = Pick<Scope, 'name' | 'signal' | 'start' | 'adopt'>;
/** Creates a shared resource, and returns what its users need to know of it, as JSON. */
export type SharedFactory<T = unknown> = (scope: SharedScope) => Promise<T> | T;
