import { claimKey, type BoundedLabels, type Bounds } from '../core/bounds';
import { composeProjectLabel } from '../core/labels';
import type { FinalState, ResourceRecord } from '../verdict/verdict';
import type { EntryUpdate, RegistryEntry } from '../registry/entry';

/** What a run knows of one thing of a worker. */
interface Mirrored {
  readonly entry: RegistryEntry;
  readonly worker: string;
  readonly isOrphan: boolean;
}

export type ClaimedProject = BoundedLabels & { readonly project: string };

/** What the workers of a run have told, by the key of each thing; it outlives them. */
export class RunWorkers {
  readonly #things = new Map<string, Mirrored>();
  readonly #claims = new Map<string, BoundedLabels & { readonly by: Set<string> }>();

  tell(worker: string, entry: RegistryEntry): void {
    const known = this.#things.get(entry.key);
    // What came to its end when the worker was gone is not undone by what was still on the line.
    if (known?.isOrphan !== true) this.#things.set(entry.key, { entry, worker, isOrphan: false });
  }

  /** What became of things since their worker told of them last. */
  update(updates: ReadonlyMap<string, EntryUpdate>, how: { readonly isOrphan: boolean }): void {
    for (const [key, update] of updates) {
      const known = this.#things.get(key);
      if (known === undefined) continue;
      const entry = { ...known.entry, ...update, since: new Date() };
      this.#things.set(key, { ...known, entry, isOrphan: known.isOrphan || how.isOrphan });
    }
  }

  entries(isMeant: (worker: string, entry: RegistryEntry) => boolean = () => true): readonly RegistryEntry[] {
    return [...this.#things.values()]
      .filter(({ worker, entry }) => isMeant(worker, entry))
      .map(({ entry }) => entry);
  }

  records(looks: LastLooks): readonly ResourceRecord[] {
    return [...this.#things.values()].map(({ entry, isOrphan }) => recordOf(entry, isOrphan, looks));
  }

  claim(worker: string, labels: readonly string[], bounds?: Bounds): void {
    const key = claimKey(labels, bounds);
    const claim = this.#claims.get(key) ?? { labels, bounds, by: new Set() };
    this.#claims.set(key, claim);
    claim.by.add(worker);
  }

  /** Whether nobody else claims it. */
  release(worker: string, labels: readonly string[], bounds?: Bounds): boolean {
    const key = claimKey(labels, bounds);
    const claim = this.#claims.get(key);
    claim?.by.delete(worker);
    if (claim !== undefined && claim.by.size > 0) return false;
    this.#claims.delete(key);
    return true;
  }

  /** The claims on Compose projects that this worker has, and no other. */
  projectsOf(worker: string): readonly ClaimedProject[] {
    const prefix = `${composeProjectLabel}=`;
    return [...this.#claims.values()]
      .filter(({ labels, by }) => labels.length === 1 && by.size === 1 && by.has(worker))
      .flatMap(({ labels, bounds }) => {
        const [label = ''] = labels;
        return label.startsWith(prefix) ? [{ project: label.slice(prefix.length), labels, bounds }] : [];
      });
  }

  /** Those of them that no entry is about: the others end with theirs. */
  unnamedProjectsOf(worker: string): readonly ClaimedProject[] {
    const entries = this.entries((_, { kind }) => kind === 'compose-project');
    const named = new Set(entries.flatMap(({ id, name }) => [id, name]));
    return this.projectsOf(worker).filter(({ project }) => !named.has(project));
  }
}

/** What the last look at the engine found, by the key of each entry. */
type LastLooks = ReadonlyMap<string, FinalState>;

export function recordOf(entry: RegistryEntry, isOrphan: boolean, looks?: LastLooks): ResourceRecord {
  const { key, engine: _, identity: __, owner, ...own } = entry;
  return { ...own, ...owner, isOrphan: isOrphan ? true : undefined, lastLook: looks?.get(key) };
}
