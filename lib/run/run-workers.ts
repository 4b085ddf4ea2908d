import { claimKey, type BoundedLabels, type Bounds } from '../core/bounds';
import { composeProjectLabel } from '../core/labels';
import type { FinalState, ResourceRecord } from '../verdict/verdict';
import type { EntryUpdate, RegistryEntry } from '../registry/entry';

/** The entry of a worker's resource. `isOrphan`: the worker died before the resource was removed. */
interface WorkerEntry {
  readonly entry: RegistryEntry;
  readonly worker: string;
  readonly isOrphan: boolean;
}

/** A claim on a Compose project. */
export type ClaimedProject = BoundedLabels & { readonly project: string };

/** The entries and claims that the workers of a run have reported. They outlive the workers. */
export class RunWorkers {
  readonly #entries = new Map<string, WorkerEntry>();
  readonly #claims = new Map<string, BoundedLabels & { readonly by: Set<string> }>();

  record(worker: string, entry: RegistryEntry): void {
    const known = this.#entries.get(entry.key);
    // A report that was still in transit when the worker died must not undo the result of its cleanup.
    if (known?.isOrphan !== true) this.#entries.set(entry.key, { entry, worker, isOrphan: false });
  }

  /** Updates entries after the last report of their worker. */
  update(updates: ReadonlyMap<string, EntryUpdate>, how: { readonly isOrphan: boolean }): void {
    for (const [key, update] of updates) {
      const known = this.#entries.get(key);
      if (known === undefined) continue;
      const entry = { ...known.entry, ...update, since: new Date() };
      this.#entries.set(key, { ...known, entry, isOrphan: known.isOrphan || how.isOrphan });
    }
  }

  entries(matches: (worker: string, entry: RegistryEntry) => boolean = () => true): readonly RegistryEntry[] {
    return [...this.#entries.values()]
      .filter(({ worker, entry }) => matches(worker, entry))
      .map(({ entry }) => entry);
  }

  records(states: FinalStates): readonly ResourceRecord[] {
    return [...this.#entries.values()].map(({ entry, isOrphan }) => recordOf(entry, isOrphan, states));
  }

  claim(worker: string, labels: readonly string[], bounds?: Bounds): void {
    const key = claimKey(labels, bounds);
    const claim = this.#claims.get(key) ?? { labels, bounds, by: new Set() };
    this.#claims.set(key, claim);
    claim.by.add(worker);
  }

  /** Removes the worker's claim. Returns whether no other worker has the same claim. */
  release(worker: string, labels: readonly string[], bounds?: Bounds): boolean {
    const key = claimKey(labels, bounds);
    const claim = this.#claims.get(key);
    claim?.by.delete(worker);
    if (claim !== undefined && claim.by.size > 0) return false;
    this.#claims.delete(key);
    return true;
  }

  /** Returns the claims on Compose projects that only this worker has. */
  projectsOf(worker: string): readonly ClaimedProject[] {
    const prefix = `${composeProjectLabel}=`;
    return [...this.#claims.values()]
      .filter(({ labels, by }) => labels.length === 1 && by.size === 1 && by.has(worker))
      .flatMap(({ labels, bounds }) => {
        const [label = ''] = labels;
        return label.startsWith(prefix) ? [{ project: label.slice(prefix.length), labels, bounds }] : [];
      });
  }

  /** Returns the claims of {@link projectsOf} without an entry: those with one end with their entry. */
  unnamedProjectsOf(worker: string): readonly ClaimedProject[] {
    const entries = this.entries((_, { kind }) => kind === 'compose-project');
    const named = new Set(entries.flatMap(({ id, name }) => [id, name]));
    return this.projectsOf(worker).filter(({ project }) => !named.has(project));
  }
}

/** The results of the final check, by the key of each entry. */
type FinalStates = ReadonlyMap<string, FinalState>;

/** Returns the record of an entry for the verdict. */
export function recordOf(entry: RegistryEntry, isOrphan: boolean, states?: FinalStates): ResourceRecord {
  return { ...entry, isOrphan: isOrphan ? true : undefined, lastLook: states?.get(entry.key) };
}
