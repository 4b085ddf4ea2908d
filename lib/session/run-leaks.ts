import { setImmediate } from 'node:timers/promises';
import type { Engine } from '../engine/engine';
import type { EntryUpdate, RegistryEntry } from '../registry/entry';

export interface RunLeaksOptions {
  /** `undefined`: none was needed, so nothing is there. */
  readonly engine: () => Promise<Engine | undefined>;
  /** Told of what became of each, by its key. */
  readonly note: (updates: ReadonlyMap<string, EntryUpdate>) => void;
  /** Told why nothing could be removed at all; the run's end tries again. */
  readonly fail: (error: unknown) => void;
}

/**
 * Removes what has leaked, as soon as it is known to have, while the tests go on: whoever started it is not kept waiting, and may have
 * ended. A failure stands in the entry.
 */
export class RunLeaks {
  readonly #options: RunLeaksOptions;
  #next: RegistryEntry[] = [];
  #removing: Promise<void> | undefined;

  constructor(options: RunLeaksOptions) {
    this.#options = options;
  }

  /** What comes while others are being removed goes together, after them: containers before their networks. */
  remove(entry: RegistryEntry): void {
    this.#next.push(entry);
    this.#removing ??= this.#run();
  }

  /** Resolves when none is being removed any more. It never rejects. */
  async areGone(): Promise<void> {
    await this.#removing;
  }

  async #run(): Promise<void> {
    try {
      // Those of one file come one by one, in one go.
      await setImmediate();
      const engine = await this.#options.engine();
      while (this.#next.length > 0) {
        const entries = this.#next;
        this.#next = [];
        if (engine !== undefined) this.#options.note(await this.#removeAll(engine, entries));
      }
    } catch (error) {
      this.#options.fail(error);
    } finally {
      // In the same turn as the last look: what comes next begins anew.
      this.#removing = undefined;
    }
  }

  async #removeAll(
    engine: Engine,
    entries: readonly RegistryEntry[],
  ): Promise<ReadonlyMap<string, EntryUpdate>> {
    // Loaded with its first use: a run without containers is not to pay for it.
    const { removeEntry } = await import('./remove-rest.ts');
    const { cleanupMany } = await import('../resources/plan.ts');
    const targets = entries.map((entry) => ({ kind: entry.kind, id: entry.id ?? '', entry }));
    const ends = await cleanupMany(targets, ({ entry }) => removeEntry(engine, entry, []));
    return new Map(ends.map(({ target, result }) => [target.entry.key, result ?? {}]));
  }
}
