import type { FinalState, ResourceRecord } from '../verdict/verdict';
import type { EntryUpdate, RegistryEntry } from '../registry/entry';
import type { Registry } from '../registry/registry';

/** The entry of a worker's resource. `isOrphan`: the worker died before the resource was removed. */
interface WorkerEntry {
  readonly entry: RegistryEntry;
  readonly worker: string;
  readonly isOrphan: boolean;
}

/** The entries of all processes of a run: those of its own process, and those that workers have reported. */
export class RunEntries {
  readonly #registry: Registry;
  /** By key. They outlive their workers. */
  readonly #ofWorkers = new Map<string, WorkerEntry>();

  /** @param registry - The registry of the run's own process. */
  constructor(registry: Registry) {
    this.#registry = registry;
  }

  record(worker: string, entry: RegistryEntry): void {
    const known = this.#ofWorkers.get(entry.key);
    // A report that was still in transit when the worker died must not undo the result of its cleanup.
    if (known?.isOrphan !== true) this.#ofWorkers.set(entry.key, { entry, worker, isOrphan: false });
  }

  /** Updates entries of any process. `isOrphan`: their worker died before the update. */
  update(updates: ReadonlyMap<string, EntryUpdate>, { isOrphan = false } = {}): void {
    for (const [key, update] of updates) {
      const known = this.#ofWorkers.get(key);
      if (known === undefined) continue;
      const entry = { ...known.entry, ...update, since: new Date() };
      this.#ofWorkers.set(key, { ...known, entry, isOrphan: known.isOrphan || isOrphan });
    }
    for (const { key } of this.#registry.list()) {
      const update = updates.get(key);
      if (update !== undefined) this.#registry.update(key, update);
    }
  }

  list(): readonly RegistryEntry[] {
    return [...this.#registry.list(), ...[...this.#ofWorkers.values()].map(({ entry }) => entry)];
  }

  ofWorker(worker: string): readonly RegistryEntry[] {
    return [...this.#ofWorkers.values()].flatMap((one) => (one.worker === worker ? [one.entry] : []));
  }

  /** @param states - The results of the final check, by the key of each entry. */
  records(states: ReadonlyMap<string, FinalState>): readonly ResourceRecord[] {
    const own = this.#registry.list().map((entry) => ({ entry, isOrphan: false }));
    return [...own, ...this.#ofWorkers.values()].map(({ entry, isOrphan }) => {
      return { ...entry, isOrphan: isOrphan ? true : undefined, lastLook: states.get(entry.key) };
    });
  }
}
