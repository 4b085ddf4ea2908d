import { Tally } from '../../core/tally';

/** How many tasks run at once: of all owners, of one owner and of one group of owners. */
interface FairQueueLimits {
  readonly total: number;
  readonly perOwner: number;
  /** Default: no limit. */
  readonly perGroup?: number | undefined;
}

/** The owner of a task. */
interface TaskOwner {
  /** Unique among all groups. */
  readonly name: string;
  readonly group?: string | undefined;
}

/**
 * Runs a limited number of tasks at once. Groups take turns, and so do the owners of a group; none can use the whole
 * limit: an owner with a thousand waiting tasks does not delay an owner with one, nor a thousand owners of one group
 * another group.
 */
export class FairQueue {
  readonly #limits: FairQueueLimits;
  /** By group and owner, in the order of their turns. */
  readonly #waiting = new Map<string, Map<string, (() => void)[]>>();
  readonly #ofOwner = new Tally<string>();
  readonly #ofGroup = new Tally<string>();
  #totalRunning = 0;

  constructor(limits: FairQueueLimits) {
    this.#limits = limits;
  }

  /** Runs `task` when it is the turn of its owner; settles as it does. */
  async run<T>({ name, group = '' }: TaskOwner, task: () => Promise<T>): Promise<T> {
    const turn = Promise.withResolvers<void>();
    const owners = this.#waiting.get(group) ?? new Map<string, (() => void)[]>();
    const turns = owners.get(name) ?? [];
    turns.push(turn.resolve);
    owners.set(name, turns);
    this.#waiting.set(group, owners);
    this.#startNext();
    await turn.promise;
    try {
      return await task();
    } finally {
      this.#count(group, name, -1);
      this.#startNext();
    }
  }

  #startNext(): void {
    const { total, perGroup = total, perOwner } = this.#limits;
    if (this.#totalRunning >= total) return;
    for (const [group, owners] of this.#waiting) {
      if (this.#ofGroup.of(group) >= perGroup) continue;
      for (const [name, turns] of owners) {
        if (this.#ofOwner.of(name) >= perOwner) continue;
        const start = turns.shift();
        moveToEnd(owners, name, turns.length > 0);
        moveToEnd(this.#waiting, group, owners.size > 0);
        this.#count(group, name, 1);
        start?.();
        return;
      }
    }
  }

  #count(group: string, name: string, change: number): void {
    this.#totalRunning += change;
    this.#ofGroup.add(group, change);
    this.#ofOwner.add(name, change);
  }
}

/** Moves an entry to the end of a map, or removes it when it has no more turns. */
function moveToEnd<Value>(map: Map<string, Value>, key: string, hasTurns: boolean): void {
  const value = map.get(key);
  map.delete(key);
  if (hasTurns && value !== undefined) map.set(key, value);
}
