import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { messageOf } from '../core/errors';
import type { ResourceKind } from '../resources/kind';
import type { EntryOrigin, EntryOwner, EntryState, EntryUpdate, RegistryEntry } from './entry';
import type { Journal, JournalFact } from './journal';

export interface RegistryFilter {
  readonly kind?: ResourceKind | undefined;
  readonly state?: EntryState | undefined;
  readonly scope?: string | undefined;
}

/** What is known of a thing that others created. */
export type AdoptedResource = Pick<RegistryEntry, 'name' | 'identity'> & {
  readonly id: string;
  readonly engine: string;
};

/** What is known of a thing that is yet to be created. */
export type KnownResource = Pick<RegistryEntry, 'name' | 'image' | 'engine'> & {
  /** When it was asked for. Default: now. */
  readonly registeredAt?: Date | undefined;
  readonly origin?: EntryOrigin | undefined;
};

/** An entry as it is now, and as it was before; `before` is `undefined` for a new one. */
export interface RegistryChange {
  readonly entry: RegistryEntry;
  readonly before: RegistryEntry | undefined;
}

/** Everything that this process has started through castoff: what it is, who asked for it and where, and how it ended. */
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

  /** The entries that fit `filter`, in the order in which they were registered; also those that are gone. */
  list(filter: RegistryFilter = {}): readonly RegistryEntry[] {
    return [...this.#entries.values()].filter(
      (entry) =>
        (filter.kind === undefined || entry.kind === filter.kind) &&
        (filter.state === undefined || entry.state === filter.state) &&
        (filter.scope === undefined || entry.owner.scope === filter.scope),
    );
  }

  /**
   * Notes what is about to be created, on disk when this resolves: a crash after it leaves something that can be found.
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
   * As {@link register}, for what cannot wait: it survives a crash of the process from now on, and one of the machine a moment later.
   *
   * @internal
   */
  note(kind: ResourceKind, owner: EntryOwner, known: KnownResource = {}): RegistryEntry {
    return this.#add(kind, owner, { ...known, state: 'registered' });
  }

  /**
   * Notes what exists already.
   *
   * @internal
   */
  adopt(kind: ResourceKind, owner: EntryOwner, thing: AdoptedResource): RegistryEntry {
    const entry = this.#add(kind, owner, { state: 'registered', name: thing.name, engine: thing.engine });
    return this.update(entry.key, { ...thing, state: 'present' });
  }

  /** @internal */
  update(key: string, update: EntryUpdate): RegistryEntry {
    const before = this.#entries.get(key);
    if (before === undefined) throw new Error(`no entry ${key} in the registry`);
    const isNewState = update.state !== undefined && update.state !== before.state;
    const entry = { ...before, ...update, since: isNewState ? new Date() : before.since };
    this.#entries.set(key, entry);
    this.#record(entry, before);
    this.#tell({ entry, before });
    return entry;
  }

  #add(
    kind: ResourceKind,
    owner: EntryOwner,
    first: Pick<RegistryEntry, 'state'> & KnownResource,
  ): RegistryEntry {
    const now = new Date();
    const entry: RegistryEntry = {
      key: randomBytes(8).toString('hex'),
      kind,
      owner,
      since: now,
      ...first,
      registeredAt: first.registeredAt ?? now,
      origin: first.origin ?? 'scope',
    };
    this.#record(entry, undefined);
    this.#entries.set(entry.key, entry);
    this.#tell({ entry, before: undefined });
    return entry;
  }

  // Later and one by one, so that a listener that throws breaks no cleanup, and no other listener.
  #tell(change: RegistryChange): void {
    for (const listener of this.rawListeners('change')) {
      queueMicrotask(() => {
        try {
          Reflect.apply(listener, this, [change]);
        } catch (error) {
          process.emitWarning(error instanceof Error ? error : String(error));
        }
      });
    }
  }

  #record(entry: RegistryEntry, before: RegistryEntry | undefined): void {
    const { key, kind, id, name, identity, bounds, engine, outcome, owner, origin } = entry;
    const at = new Date().toISOString();
    if (entry.state === 'gone') {
      if (this.#openKeys.delete(key)) this.#recordEnd({ fact: 'gone', key, outcome, at });
      return;
    }
    const isNew = !this.#openKeys.has(key);
    this.#openKeys.add(key);
    try {
      const journal = (this.#journal ??= this.#openJournal());
      if (isNew) journal.append({ fact: 'registered', key, kind, name, engine, owner, origin, at });
      const isNewOfIt = before?.id === undefined || before.bounds?.only !== bounds?.only;
      if (id !== undefined && (isNew || isNewOfIt)) {
        journal.append({ fact: 'present', key, id, name, identity, only: bounds?.only, at });
      }
    } catch (error) {
      if (isNew) this.#openKeys.delete(key);
      this.#acceptUnwritten(entry, error);
    }
  }

  /**
   * A scope creates nothing that it cannot write down. Raw code creates it all the same, so the entry has to be there: its labels, and
   * this process, know whose it is.
   */
  #acceptUnwritten({ origin }: RegistryEntry, error: unknown): void {
    if (origin !== 'raw') throw error;
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    const words = `write the journal: ${messageOf(error)}; a sweep after a crash knows what raw code created by its labels alone`;
    process.emitWarning(words, { type: 'CastoffWarning', code: 'CASTOFF_JOURNAL' });
  }

  // What is gone is gone, even if that cannot be written down: whoever reads the journal looks for it in vain.
  #recordEnd(fact: JournalFact): void {
    try {
      this.#journal?.append(fact);
      if (this.#openKeys.size > 0) return;
      const journal = this.#journal;
      // Closed is closed, also where its file cannot be removed.
      this.#journal = undefined;
      journal?.remove();
    } catch (error) {
      process.emitWarning(error instanceof Error ? error : String(error));
    }
  }
}
