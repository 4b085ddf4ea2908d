import type { EngineEvent } from './engine-event';

/** Events come a little out of order: engines take the time before they write, and several write at once. */
const overlapSeconds = 2;

/**
 * How far a reader of events has come, over any number of connections: where the next one is to begin, and which of its
 * events the reader has had already. It remembers those of the last seconds only. All times are the engine's own.
 */
export class EventCursor {
  /** The reader wants nothing from before it. */
  #startSecond: number | undefined;
  #lastSecond = 0;
  readonly #taken = new Map<number, Set<string>>();
  /** Whether this connection repeats what was before it. */
  #isReplaying = false;
  /** The earliest event that came as it happened. */
  #earliestNano: string | undefined;

  /** From which second on (since 1970) the engine is to repeat its events; `undefined`: none of them. */
  get since(): number | undefined {
    if (this.#startSecond === undefined) return undefined;
    return Math.max(this.#startSecond, this.#lastSecond - overlapSeconds);
  }

  /** A connection begins, one that asked for `since`; `engineSecond` is the time on it, where the engine has told it. */
  connect(engineSecond: number | undefined): void {
    this.#isReplaying = this.since !== undefined;
    this.#startSecond ??= engineSecond;
  }

  /** Whether the reader has not had `event` yet. From now on it has. */
  take(event: EngineEvent): boolean {
    const { atNano, kind, id, action, detail } = event;
    const second = Number(atNano.slice(0, -9));
    this.#startSecond ??= second;
    if (!this.#isReplaying) this.#earliestNano = earlier(this.#earliestNano, atNano);
    // The start is known to the second: what stands in it before the first event was before the reader came.
    else if (second === this.#startSecond && atNano < (this.#earliestNano ?? '')) return false;

    const key = `${atNano} ${kind} ${id} ${action} ${detail ?? ''}`;
    const taken = this.#taken.get(second) ?? new Set<string>();
    if (taken.has(key)) return false;
    taken.add(key);
    this.#taken.set(second, taken);
    this.#lastSecond = Math.max(this.#lastSecond, second);
    this.#forget();
    return true;
  }

  /** What the engine will not repeat needs no memory. */
  #forget(): void {
    const since = this.since ?? 0;
    for (const second of this.#taken.keys()) if (second < since) this.#taken.delete(second);
  }
}

function earlier(one: string | undefined, other: string): string {
  return one === undefined || other < one ? other : one;
}
