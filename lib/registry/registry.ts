import { EventEmitter } from 'node:events';
import { messageOf } from '../core/errors';
import { warn } from '../core/warnings';
import type { ResourceKind } from '../core/kinds';
import { randomHex } from '../core/random-hex';
import type { EntryOrigin, EntryOwner, EntryState, EntryUpdate, RegistryEntry } from './entry';
import type { Journal, JournalLine } from './journal';
import type { ProcessRecord } from './process-record';

/** Criteria of {@link Registry.list}; entries must match all of them. */
export interface RegistryFilter {
  readonly kind?: ResourceKind | undefined;
  readonly state?: EntryState | undefined;
  readonly scope?: string | undefined;
}

type AdoptedResource = Pick<RegistryEntry, 'name' | 'identity' | 'bounds'> & {
  readonly id: string;
  readonly engine: string;
};

/** A resource that is about to be created. */
export type KnownResource = Pick<RegistryEntry, 'name' | 'image' | 'engine'> & {
  /** When its creation was requested. Default: now. */
  readonly registeredAt?: Date | undefined;
  readonly origin?: EntryOrigin | undefined;
};

/** An entry before and after a change; `before` is `undefined` for a new one. */
export interface RegistryChange {
  readonly entry: RegistryEntry;
  readonly before: RegistryEntry | undefined;
}

/**
 * Every resource that this process has created or adopted through castoff: its kind, its owner, the line that
 * created it, and its state.
 */
export class Registry extends EventEmitter<{ change: [RegistryChange] }> {
  readonly #entries = new Map<string, RegistryEntry>();
  readonly #openJournal: () => Journal;
  #journal: Journal | undefined;
  readonly #openKeys = new Set<string>();
  #hasWarned = false;

  /** @internal */
  constructor(openJournal: () => Journal) {
    super();
    this.#openJournal = openJournal;
  }

  /** Returns the entries that match `filter`, in the order of registration, including those that are gone. */
  list(filter: RegistryFilter = {}): readonly RegistryEntry[] {
    return [...this.#entries.values()].filter(
      (entry) =>
        (filter.kind === undefined || entry.kind === filter.kind) &&
        (filter.state === undefined || entry.state === filter.state) &&
        (filter.scope === undefined || entry.owner.scope === filter.scope),
    );
  }

  /**
   * Registers a resource that is about to be created. Resolves once it is recorded on disk: after a crash,
   * its leftovers can be found.
   *
   * @internal
   */
  async register(kind: ResourceKind, owner: EntryOwner, known: KnownResource = {}): Promise<RegistryEntry> {
    const entry = this.note(kind, owner, known);
    try {
      await this.#journal?.sync();
    } catch (error) {
      this.#acceptUnwritten(entry, error);
    }
    return entry;
  }

  /**
   * Like {@link register}, for callers that cannot wait: the record survives a crash of the process at once,
   * and a crash of the machine a moment later.
   *
   * @internal
   */
  note(kind: ResourceKind, owner: EntryOwner, known: KnownResource = {}): RegistryEntry {
    return this.#add(kind, owner, { ...known, state: 'registered' });
  }

  /** Registers a resource that already exists. @internal */
  adopt(kind: ResourceKind, owner: EntryOwner, resource: AdoptedResource): RegistryEntry {
    const entry = this.#add(kind, owner, {
      state: 'registered',
      name: resource.name,
      engine: resource.engine,
    });
    return this.update(entry.key, { ...resource, state: 'present' });
  }

  /** @internal */
  update(key: string, update: EntryUpdate): RegistryEntry {
    const before = this.#entries.get(key);
    if (before === undefined) throw new Error(`no entry ${key} in the registry`);
    const isNewState = update.state !== undefined && update.state !== before.state;
    const entry = { ...before, ...update, since: isNewState ? new Date() : before.since };
    this.#entries.set(key, entry);
    this.#record(entry, before);
    this.#notify({ entry, before });
    return entry;
  }

  /**
   * Records a child process, or that it has ended. Its start is on disk when this returns: after a crash, its
   * group can be ended.
   *
   * @internal
   */
  noteProcess(process: ProcessRecord): void {
    if (process.state === 'ended') {
      if (this.#openKeys.delete(process.key)) this.#recordGone({ process });
      return;
    }
    this.#openKeys.add(process.key);
    try {
      (this.#journal ??= this.#openJournal()).append({ process });
    } catch (error) {
      this.#openKeys.delete(process.key);
      this.#warnUnwritten(error, 'after a crash, a sweep does not find the processes of commands');
    }
  }

  #add(
    kind: ResourceKind,
    owner: EntryOwner,
    initial: Pick<RegistryEntry, 'state'> & KnownResource,
  ): RegistryEntry {
    const now = new Date();
    const entry: RegistryEntry = {
      key: randomHex(8),
      kind,
      owner,
      since: now,
      ...initial,
      registeredAt: initial.registeredAt ?? now,
      origin: initial.origin ?? 'scope',
    };
    this.#record(entry, undefined);
    this.#entries.set(entry.key, entry);
    this.#notify({ entry, before: undefined });
    return entry;
  }

  // Asynchronously and one by one, so that a listener that throws breaks neither a cleanup nor other
  // listeners.
  #notify(change: RegistryChange): void {
    for (const listener of this.rawListeners('change')) {
      queueMicrotask(() => {
        try {
          Reflect.apply(listener, this, [change]);
        } catch (error) {
          const stack = error instanceof Error ? error.stack : undefined;
          warn('CASTOFF_LISTENER_FAILED', `listener of the registry: ${messageOf(error)}`, stack);
        }
      });
    }
  }

  /** Writes an entry to the journal when it is new, identified, or gone. */
  #record(entry: RegistryEntry, before: RegistryEntry | undefined): void {
    const { key, id, bounds, state } = entry;
    if (state === 'gone') {
      if (this.#openKeys.delete(key)) this.#recordGone({ entry });
      return;
    }
    const isNew = !this.#openKeys.has(key);
    const isNewId = before?.id === undefined || before.bounds?.only !== bounds?.only;
    if (!isNew && (id === undefined || !isNewId)) return;
    this.#openKeys.add(key);
    try {
      (this.#journal ??= this.#openJournal()).append({ entry });
    } catch (error) {
      if (isNew) this.#openKeys.delete(key);
      this.#acceptUnwritten(entry, error);
    }
  }

  /**
   * A scope does not create what it cannot record. Raw code creates it anyway, so the entry is kept: its
   * labels, and this process, identify its owner.
   */
  #acceptUnwritten({ origin }: RegistryEntry, error: unknown): void {
    if (origin !== 'raw') throw error;
    this.#warnUnwritten(error, 'after a crash, a sweep finds what raw code created by its labels only');
  }

  #warnUnwritten(error: unknown, consequence: string): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    warn('CASTOFF_JOURNAL', `write the journal: ${messageOf(error)}; ${consequence}`);
  }

  // A failure is only a warning: a later sweep searches for the resource and finds it gone.
  #recordGone(line: JournalLine): void {
    try {
      this.#journal?.append(line);
      if (this.#openKeys.size > 0) return;
      const journal = this.#journal;
      // The journal counts as closed even if its file cannot be removed.
      this.#journal = undefined;
      journal?.remove();
    } catch (error) {
      warn('CASTOFF_JOURNAL', `write the journal: ${messageOf(error)}; the next sweep corrects it`);
    }
  }
}
