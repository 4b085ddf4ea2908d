import type { Bounds } from '../core/bounds';
import type { RegistryEntry } from '../registry/entry';
import type { PostMortem } from '../resources/post-mortem';
import type { Registry } from '../registry/registry';
import type { Attribution } from './created-by';

/** The session that captured resources belong to, and the callbacks into its run. */
export interface CaptureOptions {
  readonly session: string;
  readonly registry: Registry;
  /** Returns the owner of a request or command, in its async context; `undefined` leaves it unchanged. */
  attribution(): Attribution | undefined;
  /** Returns the path of the running test file. */
  testFile?(): string | undefined;
  /** Returns the line of the running test or hook, for stacks without user frames (transpiled async code). */
  testDefinition?(): string | undefined;
  /** Awaited before a create request is sent. When it rejects, the request fails with its error. */
  ready(): Promise<void>;
  /** Called before a command that creates a resource runs: a command cannot wait for `ready()`. */
  holdRun?(): void;
  /** Claims resources that cannot carry castoff's labels: the parts of Compose projects. */
  claim(labels: readonly string[], bounds?: Bounds): Promise<void>;
  /** Releases such a claim after everything it covered was removed. */
  release(labels: readonly string[], bounds?: Bounds): Promise<void>;
  /** Called for each creation that is sent without labels, with the request or command and the reason. */
  reportUnlabelled(creation: string): void;
}

/** Tracks the engine requests that this process makes and the docker commands that it runs. */
export interface Capture {
  /** Whether a container has a name or host port that the next one may need: its removal must be awaited. */
  hasFixedNameOrPort(containerId: string): boolean;
  /**
   * Whether the entry is a helper that testcontainers creates for itself and offers no way to remove: its
   * port forwarder, and images built or committed with `deleteOnExit`. A helper is never a leak.
   */
  isHelper(key: string): boolean;
  /**
   * Resolves to a post-mortem of each service that failed by itself in a Compose project started by a
   * command. Covers the last failure of each, even after the project was removed.
   */
  postMortems(project: string): Promise<readonly PostMortem[]>;
  /**
   * Resolves to the captured entries matching `filter` whose resources still exist. Waits at most 5 s for
   * pending creations and removals, then inspects each. Marks removed ones as `removed-by-code` or
   * `removed-elsewhere`; includes those that the engine could not report on, as `unknown`.
   */
  findSurvivors(filter: (entry: RegistryEntry) => boolean): Promise<readonly RegistryEntry[]>;
  /**
   * Resolves when user code has no pending request to stop, kill or remove the container (default: any
   * container), after 30 s at most. Removing the container earlier would make that request fail.
   */
  whenQuiet(containerId?: string): Promise<void>;
  /** Stops capturing. */
  stop(): void;
}
