import type { Bounds } from '../core/bounds';
import type { ResourceKind } from '../resources/kind';

/**
 * `registered`: about to be created. `present`: it exists. `cleaning`: its removal is under way. `gone`: seen to be gone.
 * `left`: its cleanup failed, and it may still be there. `unknown`: its owner has ended, and the engine did not say whether it is
 * there. `kept`: left on purpose.
 */
export type EntryState = 'registered' | 'present' | 'cleaning' | 'gone' | 'left' | 'unknown' | 'kept';

/** `scope`: it was started in a scope, or given to one. `raw`: code created it without castoff, and was seen to. */
export type EntryOrigin = 'scope' | 'raw';

/** One thing that was started or adopted: what it is, whose it is, and how it is with it. */
export interface RegistryEntry {
  /** Names the entry; what is created for it carries it as the label `castoff.start`. */
  readonly key: string;
  readonly kind: ResourceKind;
  /** Known as soon as it exists. */
  readonly id?: string | undefined;
  readonly name?: string | undefined;
  /** What a container runs, as its code has it, where that was seen. */
  readonly image?: string | undefined;
  /** The address of the engine that it is on, once known. */
  readonly engine?: string | undefined;
  readonly owner: EntryOwner;
  readonly origin: EntryOrigin;
  readonly registeredAt: Date;
  readonly state: EntryState;
  /** When it came into that state. */
  readonly since: Date;
  /** Tells it from another thing under the same name. */
  readonly identity?: string | undefined;
  /** Which parts of a Compose project it is about. Default: all that carries the project's name. */
  readonly bounds?: Bounds | undefined;
  /** How it came to be gone: `removed`, `already-gone`, `removed-elsewhere`; `removed-by-code` by the code that created it. */
  readonly outcome?: string | undefined;
  /** When its owner ended and it was still there, though no scope had it. */
  readonly leakedAt?: Date | undefined;
  /** A call that was to end it and was not awaited, where it has leaked: `stop() at a.test.js:9`. */
  readonly floating?: string | undefined;
  /** How it had ended when a test that depends on it failed: `exited, exit code 137 (SIGKILL)`. */
  readonly died?: string | undefined;
  /** Why its cleanup failed, where it is `left`, or why nothing is known, where it is `unknown`. */
  readonly failure?: string | undefined;
}

export interface EntryOwner {
  /** The scope's name. */
  readonly scope: string;
  readonly test?: string | undefined;
  /** Where the user asked for it: `file:line`. */
  readonly source?: string | undefined;
}

/** What an entry may hear of in its life; `undefined` is what is not known yet. */
export type EntryUpdate = Partial<
  Pick<
    RegistryEntry,
    | 'id'
    | 'name'
    | 'identity'
    | 'bounds'
    | 'engine'
    | 'state'
    | 'outcome'
    | 'leakedAt'
    | 'floating'
    | 'died'
    | 'failure'
  >
>;
