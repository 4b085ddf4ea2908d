import type { Scope } from '../scope/scope';

/** Symbol of the global object that holds the {@link Bridge} of a test file or global setup. */
export const bridgeKey: unique symbol = Symbol.for('castoff.runner');

/** Options of a shared resource. */
export interface SharedOptions {
  /** Limit for another caller's factory and for the factory itself, in milliseconds. Default 120 000. */
  readonly timeoutMs?: number | undefined;
}

/** castoff outside of the sandbox. `castoff/jest` only forwards to it: a test file loads little code. */
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

/** The scope of a shared resource, which owns only what outlives this process: resources on the engine. */
export type SharedScope = Pick<Scope, 'name' | 'signal' | 'start' | 'adopt'>;
/** Creates a shared resource, and returns what its users need to know of it, as JSON. */
export type SharedFactory<T = unknown> = (scope: SharedScope) => Promise<T> | T;
