import type { Engine } from '../engine/engine';
import { displayName } from '../verdict/describe-record';
import type { EntryUpdate, RegistryEntry } from '../registry/entry';
import type { EndPatience } from '../session/end-patience';

/** The options of {@link RunLeaks}. */
export interface RunLeaksOptions {
  /** Resolves to the run's engine; rejects when none can be reached. */
  readonly engine: () => Promise<Engine>;
  /** Receives the result of each removal, by the entry's key. */
  readonly note: (updates: ReadonlyMap<string, EntryUpdate>) => void;
  /** Returns a time limit for an engine that does not answer. */
  readonly patience: (waitingFor: () => readonly string[]) => EndPatience;
  /** Receives the reason why nothing could be removed; the end of the run tries again. */
  readonly fail: (error: unknown) => void;
}

/**
 * Removes the leaks of test files. The leaks of one file are removed together, independent of those of other
 * files.
 */
export class RunLeaks {
  readonly #options: RunLeaksOptions;
  readonly #removals = new Set<Promise<void>>();

  constructor(options: RunLeaksOptions) {
    this.#options = options;
  }

  /** Resolves when the removal of `entries` has ended. Never rejects: a failure is recorded in the entry. */
  async remove(entries: readonly RegistryEntry[]): Promise<void> {
    if (entries.length === 0) return;
    const removal = this.#remove(entries).finally(() => this.#removals.delete(removal));
    this.#removals.add(removal);
    await removal;
  }

  /** Resolves when no removal is under way. Never rejects. */
  async settled(): Promise<void> {
    while (this.#removals.size > 0) await Promise.allSettled(this.#removals);
  }

  async #remove(entries: readonly RegistryEntry[]): Promise<void> {
    const patience = this.#options.patience(() => entries.map((entry) => displayName(entry)));
    patience.start();
    try {
      const engine = await this.#options.engine();
      // Loaded on first use, so that a run without containers does not pay for it.
      const { removeEntries } = await import('./remove-leftovers.ts');
      this.#options.note(await removeEntries(engine, entries, patience.signal));
    } catch (error) {
      this.#options.fail(error);
    } finally {
      patience.end();
    }
  }
}
