import type { Bounds } from '../core/bounds';
import type { Owner } from '../core/labels';
import type { RegistryEntry } from '../registry/entry';
import type { HandleMode, LeakSettings, OpenHandle } from '../verdict/verdict';
import type { SerializedError } from '../wire/serialize-error';

/** The settings of a run: the resolved options of `withCastoff`. */
export interface RunSettings extends LeakSettings {
  readonly handles: HandleMode;
  /** Whether a process that has not exited after the run is ended, or only reported. */
  readonly exit: 'report' | 'force';
  /** When that happens, in milliseconds after the run. */
  readonly exitDelayMs: number;
  readonly cleanup: 'background' | 'wait';
  readonly keep: 'none' | 'failed';
  /** The file for the verdict as JSON; `undefined` for none. */
  readonly reportFile: string | undefined;
}

/**
 * The reply to a request for a shared fixture: the caller makes it (`make`), or gets its value as JSON
 * (`there`).
 */
export type SharedTurn =
  | { readonly type: 'make' }
  | {
      readonly type: 'there';
      readonly json: string;
      /** The fixture's containers. */
      readonly containers?: readonly SharedContainer[] | undefined;
    };

/** The result of a shared fixture's factory: its value as JSON, or its error. */
export type SharedMade = { readonly json: string } | { readonly error: SerializedError };

/** A container of a shared fixture. */
export type SharedContainer = Pick<RegistryEntry, 'key' | 'id' | 'engine' | 'owner'>;

/** A process's access to its run, from a worker or from the run's own process. */
export interface RunClient {
  readonly session: string;
  /** The id of this worker; `undefined` in the run's own process. */
  readonly worker: string | undefined;
  /** The owner of resources that outlive a worker: the run's own process. */
  readonly owner: Owner;
  readonly settings: RunSettings;
  /** Whether the run replaces testcontainers' own reaper in its processes. */
  readonly coversTestcontainers: boolean;
  /**
   * Resolves when a reaper holds the lease on the resources with the session's label. The first call opens
   * the session; later calls cost nothing.
   *
   * @throws CastoffError `ENGINE_UNREACHABLE`, `REAPER_UNAVAILABLE`, as `openSession` does; `SCOPE_CLOSED`
   * when the run is ending.
   */
  ready(): Promise<void>;
  /**
   * In the run's own process: takes a lease on the resources with the session's label, without waiting, for
   * synchronous commands. A worker needs none: the run's process takes the lease while the worker is blocked.
   */
  readonly hold?: (() => void) | undefined;
  /**
   * Reports the state of one of this process's resources to the run, in order and without waiting. Does
   * nothing in the run's own process.
   */
  report(entry: RegistryEntry): void;
  /** Reports a creation that went out without labels: it fails the run. */
  reportUnlabelled(creation: string): void;
  /** Reports that a shared fixture's container, created by another process, has died. */
  noteDeath(key: string, died: string): Promise<void>;
  /**
   * Removes the leaks among the entries with these keys. Resolves when the removals have finished; the run
   * records their failures. Resources that are ignored or not judged stay until the end of the run.
   */
  removeLeaks(keys: readonly string[]): Promise<void>;
  /** Reports handles of this process that outlived their owner. */
  reportHandles(handles: readonly OpenHandle[]): Promise<void>;
  /** Adds a claim to the run's lease, as `claimLabels` does. */
  claim(labels: readonly string[], bounds?: Bounds): Promise<void>;
  /** Releases a claim of the run's lease, as `releaseLabels` does. */
  release(labels: readonly string[], bounds?: Bounds): Promise<void>;
  /**
   * Waits until the shared fixture `name` exists, or until it is this caller's turn to make it.
   *
   * @param asked.within - The shared fixture whose factory makes this call, if any.
   * @throws the factory's error, with its stack; CastoffError `CONFIG_INVALID` for a cycle; DeadlineError.
   */
  awaitShared(
    name: string,
    asked: { readonly timeoutMs: number; readonly within?: string | undefined },
  ): Promise<SharedTurn>;
  /**
   * Publishes the value of a fixture, or the error of its factory; after an error, the next caller may try
   * again.
   */
  settleShared(name: string, made: SharedMade): Promise<void>;
}
