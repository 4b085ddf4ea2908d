import type { Scope } from '../scope/scope';

/** Under this symbol of the global object a test file, or a global setup, finds its way out of the sandbox. */
export const bridgeKey: unique symbol = Symbol.for('castoff.jest');

export interface SharedOptions {
  /** How long to wait for whoever makes it, and for the making itself, in milliseconds. Default 120 000. */
  readonly timeoutMs?: number | undefined;
}

/** What lives outside of the sandbox; `castoff/jest` is a thin face of it, so that a test file loads next to nothing. */
export interface Bridge {
  /**
   * The scope of where the caller is: a test's, a `describe`'s, the file's, or the run's.
   *
   * @throws CastoffError `SCOPE_CLOSED` when the caller's test has ended, with its name.
   */
  scope(): Scope;
  /** Resolves to the JSON of what `factory` made, here or in another worker. */
  shared(name: string, factory: SharedFactory, options: SharedOptions): Promise<string>;
  sharedPerWorker(name: string, factory: SharedFactory, options: SharedOptions): Promise<string>;
}

/** What a shared thing is made in: it outlives the process that makes it, so only what is on the engine can belong to it. */
export type SharedScope = Pick<Scope, 'name' | 'signal' | 'start' | 'adopt'>;
export type SharedFactory<T = unknown> = (scope: SharedScope) => Promise<T> | T;
