import { Tally } from '../../core/tally';

/** How many tasks run at once: of all owners, and of one owner. */
interface FairQueueLimits {
  readonly total: number;
  readonly perOwner: number;
}

/**
 * Runs a limited number of tasks at once. Owners take turns, and none can use the whole limit: an owner with
 * a thousand waiting tasks does not delay an owner with one.
 */
export class FairQueue {
  readonly #limits: FairQueueLimits;
  /** In the order of the owners' turns. */
  readonly #waiting = new Map<string, (() => void)[]>();
  readonly #running = new Tally<string>();
  #totalRunning = 0;

  constructor(limits: FairQueueLimits) {
    this.#limits = limits;
  }

  /** Runs `task` when it is the turn of `owner`; settles as it does. */
  async run<T>(owner: string, task: () => Promise<T>): Promise<T> {
    const turn = Promise.withResolvers<void>();
    const turns = this.#waiting.get(owner) ?? [];
    turns.push(turn.resolve);
    this.#waiting.set(owner, turns);
    this.#startNext();
    await turn.promise;
    try {
      return await task();
    } finally {
      this.#totalRunning -= 1;
      this.#running.add(owner, -1);
      this.#startNext();
    }
  }

  #startNext(): void {
    if (this.#totalRunning >= this.#limits.total) return;
    for (const [owner, turns] of this.#waiting) {
      if (this.#running.of(owner) >= this.#limits.perOwner) continue;
      const start = turns.shift();
      this.#waiting.delete(owner);
      if (turns.length > 0) this.#waiting.set(owner, turns);
      this.#running.add(owner, 1);
      this.#totalRunning += 1;
      start?.();
      return;
    }
  }
}
