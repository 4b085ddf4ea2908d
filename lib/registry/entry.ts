import type { Bounds } from '../core/bounds';
import type { ResourceKind } from '../core/kinds';
import type { RecordedResource } from '../resources/ownership';

/** The values of {@link EntryState}. */
export const entryStates = ['registered', 'present', 'cleaning', 'gone', 'left', 'unknown', 'kept'] as const;

/**
 * `registered`: about to be created. `present`: exists. `cleaning`: its removal is in progress. `gone`:
 * verified gone. `left`: its cleanup failed, and it may still exist. `unknown`: its owner has ended, and the
 * engine did not report whether it exists. `kept`: kept on purpose.
 */
export type EntryState = (typeof entryStates)[number];

/** The values of {@link EntryOrigin}. */
export const entryOrigins = ['scope', 'raw'] as const;

/** `scope`: started in a scope, or adopted by one. `raw`: created by code without castoff, and captured. */
export type EntryOrigin = (typeof entryOrigins)[number];

/** A tracked resource: its kind, owner and current state. */
export interface RegistryEntry {
  /** Identifies the entry; also the value of the label `castoff.start` on the resource. */
  readonly key: string;
  readonly kind: ResourceKind;
  /** Set once the resource exists. */
  readonly id?: string | undefined;
  readonly name?: string | undefined;
  /** The image of a container as its code names it, if captured. */
  readonly image?: string | undefined;
  /** Address of its engine, once known. */
  readonly engine?: string | undefined;
  readonly owner: EntryOwner;
  readonly origin: EntryOrigin;
  readonly registeredAt: Date;
  readonly state: EntryState;
  /** When it entered that state. */
  readonly since: Date;
  /** Distinguishes it from a later resource with the same name. */
  readonly identity?: string | undefined;
  /** Limits a Compose project to these parts. Default: everything with the project's label. */
  readonly bounds?: Bounds | undefined;
  /**
   * How it was removed: `removed`, `already-gone`, `removed-elsewhere`; `removed-by-code` by the code that
   * created it.
   */
  readonly outcome?: string | undefined;
  /** When its owner ended, if it still existed then and no scope owned it. */
  readonly leakedAt?: Date | undefined;
  /** A call that would have removed a leaked resource but was not awaited: `stop() at a.test.js:9`. */
  readonly floating?: string | undefined;
  /** How it had exited when a test that depends on it failed: `exited, exit code 137 (SIGKILL)`. */
  readonly died?: string | undefined;
  /** Why its cleanup failed when it is `left`, or why its state is `unknown`. */
  readonly failure?: string | undefined;
}

/** Who created a resource, and where. */
export interface EntryOwner {
  /** Name of the scope. */
  readonly scope: string;
  readonly test?: string | undefined;
  /** The user's line that created it: `file:line`. */
  readonly source?: string | undefined;
}

/** Fields of an entry that may change. A value of `undefined` is not known yet. */
export type EntryUpdate = Partial<
  Omit<RegistryEntry, 'key' | 'kind' | 'image' | 'owner' | 'origin' | 'registeredAt' | 'since'>
>;

const openStates: readonly EntryState[] = ['registered', 'present', 'cleaning', 'unknown'];

/** Whether the resource exists on the engine, or may. */
export function isOpen({ state }: Pick<RegistryEntry, 'state'>): boolean {
  return openStates.includes(state);
}

/** Returns the resources whose ids are known: images by identity, since their names may be reused. */
export function recordedIn(
  entries: readonly Pick<RegistryEntry, 'kind' | 'key' | 'id' | 'identity'>[],
): readonly RecordedResource[] {
  return entries.flatMap(({ kind, key, id, identity }) => {
    const known = kind === 'image' ? identity : id;
    return known === undefined ? [] : [{ kind, key, id: known }];
  });
}
