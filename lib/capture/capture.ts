import type { Bounds } from '../core/bounds';
import type { Owner } from '../core/labels';
import type { RegistryEntry } from '../registry/entry';
import type { PostMortem } from '../resources/post-mortem';
import type { Registry } from '../registry/registry';

/** Where code is that asks an engine for something: whose what it creates will be. */
export interface Attribution {
  readonly scope: string;
  readonly test?: string | undefined;
  /** The test file that began it has ended: what is created now has leaked as soon as it exists. Default false. */
  readonly isOver?: boolean | undefined;
  /** Default: this process. */
  readonly owner?: Owner | undefined;
  readonly worker?: string | undefined;
}

export interface CaptureOptions {
  readonly session: string;
  readonly registry: Registry;
  /**
   * Called when a request or a command is seen, in the asynchronous context of the code that makes it; `undefined`: it is nobody's
   * business here, and is left as it is.
   */
  attribution(): Attribution | undefined;
  /** The path of the test file that runs, where one does. */
  testFile?(): string | undefined;
  /** The line of the test or hook whose code this is, for stacks without the user's frames: async functions that are compiled away. */
  testDefinition?(): string | undefined;
  /** Awaited before a request that creates goes out. When it rejects, the request fails with its error. */
  ready(): Promise<void>;
  /** Called before a command that creates runs, which cannot wait for `ready()`. */
  holdRun?(): void;
  /** Claims what castoff's labels cannot be put on: parts of Compose projects. */
  claim(labels: readonly string[], bounds?: Bounds): Promise<void>;
  /** Gives up such a claim, of which all is gone. */
  release(labels: readonly string[], bounds?: Bounds): Promise<void>;
  /** Called for each creation that goes out without labels, with the request or command and the reason. */
  reportUnlabelled(creation: string): void;
}

/** A look at what this process asks the engine for, and at the docker commands that it runs. */
export interface Capture {
  /** Whether a container has a name or a host port that the next one may want: its removal is to be waited for. */
  hasFixedNameOrPort(containerId: string): boolean;
  /**
   * Whether the entry is of something that testcontainers made on the way, and gives nobody a means to remove: its port forwarder, and
   * images that are built or committed with `deleteOnExit`. Still there, it is no leak.
   */
  isHelper(key: string): boolean;
  /**
   * What the services of a Compose project that a command has brought up were like when they ended by themselves with a failure: of each the
   * last time, also where the project is gone.
   */
  postMortems(project: string): Promise<readonly PostMortem[]>;
  /**
   * What is still there of the raw entries that `filter` picks: what is under way of their creation and removal is waited for, 5 s at
   * the most, and the engine is asked for each; what is gone is noted as `removed-by-code` or `removed-elsewhere`. What the engine
   * does not tell is among it, as `unknown`.
   */
  findSurvivors(filter: (entry: RegistryEntry) => boolean): Promise<readonly RegistryEntry[]>;
  /**
   * Resolves when no request of user code to stop, kill or remove that container (default: any) is under way; after 30 s at most. A
   * removal by castoff in between would make that request fail.
   */
  whenQuiet(containerId?: string): Promise<void>;
  stop(): void;
}
