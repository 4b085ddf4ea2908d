/** How many works of all owners, and of one of them, run at once. */
export interface FairQueueLimits {
  readonly atOnce: number;
  readonly atOnceOfOne: number;
}

/**
 * Runs work a few at a time. Owners take turns, and none of them takes all places: one that has a thousand works waiting does not
 * delay one that has a single one.
 */
export class FairQueue {
  readonly #limits: FairQueueLimits;
  /** The owner whose turn is next comes first. */
  readonly #waiting = new Map<string, (() => void)[]>();
  readonly #running = new Map<string, number>();
  #runningInAll = 0;

  constructor(limits: FairQueueLimits) {
    this.#limits = limits;
  }

  /** Settles as `work` does. */
  async run<T>(owner: string, work: () => Promise<T>): Promise<T> {
    await this.#takeTurn(owner);
    try {
      return await work();
    } finally {
      this.#leave(owner);
    }
  }

  #takeTurn(owner: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const line = this.#waiting.get(owner) ?? [];
    line.push(resolve);
    this.#waiting.set(owner, line);
    this.#startNext();
    return promise;
  }

  #leave(owner: string): void {
    this.#runningInAll -= 1;
    const left = (this.#running.get(owner) ?? 1) - 1;
    if (left === 0) this.#running.delete(owner);
    else this.#running.set(owner, left);
    this.#startNext();
  }

  #startNext(): void {
    if (this.#runningInAll >= this.#limits.atOnce) return;
    for (const [owner, line] of this.#waiting) {
      const running = this.#running.get(owner) ?? 0;
      if (running >= this.#limits.atOnceOfOne) continue;
      const start = line.shift();
      this.#waiting.delete(owner);
      if (line.length > 0) this.#waiting.set(owner, line);
      this.#running.set(owner, running + 1);
      this.#runningInAll += 1;
      start?.();
      return;
    }
  }
}
