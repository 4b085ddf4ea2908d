import type { Bounds } from '../core/bounds';
import type { Owner } from '../core/labels';
import type { RegistryEntry } from '../registry/entry';
import type { SerializedError } from '../wire/serialize-error';

/** What a run does about what it finds; the options of `withCastoff`, resolved. */
export interface RunSettings {
  readonly leaks: 'fail' | 'warn' | 'off';
  readonly cleanup: 'background' | 'wait';
  readonly keep: 'none' | 'failed';
  /** What is no leak: patterns as `ignore` of `withCastoff` has them. */
  readonly ignore: readonly string[];
  /** Where the verdict goes as JSON; `undefined`: nowhere. */
  readonly reportFile: string | undefined;
}

/** Whose turn it is with a shared thing: the caller's, to make it, or nobody's: it is there, as JSON. */
export type SharedTurn =
  | { readonly type: 'make' }
  | {
      readonly type: 'there';
      readonly json: string;
      /** What it has on the engine. */
      readonly containers?: readonly SharedContainer[] | undefined;
    };

/** A container of a shared thing, for those that use it. */
export type SharedContainer = Pick<RegistryEntry, 'key' | 'id' | 'engine'> & {
  readonly source?: string | undefined;
};

/** What a worker, or the process of the run itself, has of the run. */
export interface RunClient {
  readonly session: string;
  /** Which worker this is; `undefined` in the run's own process. */
  readonly worker: string | undefined;
  /** Who owns what is to outlive a worker: the run's own process. */
  readonly owner: Owner;
  readonly settings: RunSettings;
  /** Whether the run takes the place of testcontainers' own reaper in the processes that belong to it. */
  readonly coversTestcontainers: boolean;
  /**
   * Resolves when a reaper holds the lease on all that carries the session's label: the session is opened when first asked for.
   * Asking again costs nothing.
   *
   * @throws CastoffError `ENGINE_UNREACHABLE`, `REAPER_UNAVAILABLE`, as `openSession` does; `SCOPE_CLOSED` when the run is ending.
   */
  ready(): Promise<void>;
  /**
   * In the run's own process: has a reaper hold what carries the session's label from now on, without waiting. For commands that run at
   * once; in a worker, the run's process takes the lease meanwhile.
   */
  readonly hold?: (() => void) | undefined;
  /** Tells the run how it is with one thing of this process; in order, never waits. Nothing is told of the run's own process. */
  tell(entry: RegistryEntry): void;
  /** Reports a creation that went out without labels: it fails the run. */
  noteUnwatched(creation: string): void;
  /** Has the run note that a container which another process made for a shared thing has died. */
  noteDeath(key: string, died: string): Promise<void>;
  /**
   * Has the run remove those of the entries with these keys that are leaks, and resolves when that has ended; what is ignored, or not
   * judged, stays until the end of the run. A failure is recorded by the run.
   */
  removeLeaks(keys: readonly string[]): Promise<void>;
  /** As `claimLabels` and `releaseLabels` do, at the run's lease. */
  claim(labels: readonly string[], bounds?: Bounds): Promise<void>;
  release(labels: readonly string[], bounds?: Bounds): Promise<void>;
  /**
   * Waits for a turn with the shared thing `name`.
   *
   * @param asked.within - The shared thing whose factory asks, if one does.
   * @throws what the factory of whoever makes it threw, with its own stack; CastoffError `CONFIG_INVALID` for a cycle;
   * DeadlineError.
   */
  awaitShared(
    name: string,
    asked: { readonly timeoutMs: number; readonly within?: string | undefined },
  ): Promise<SharedTurn>;
  /** Hands out what was made, or why it could not be; the next to ask may try again then. */
  settleShared(
    name: string,
    made: { readonly json: string } | { readonly error: SerializedError },
  ): Promise<void>;
}
