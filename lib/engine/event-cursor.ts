import type { EngineEvent } from './engine-event';

/** Events arrive slightly out of order: engines set the time before writing, and write concurrently. */
const overlapSeconds = 2;

/**
 * The position of a reader of events across connections: where the next connection has to start, and which of
 * its events are duplicates. Only events of the last seconds are remembered. All times are by the engine's
 * clock.
 */
export class EventCursor {
  /** The reader skips earlier events. */
  #startSecond: number | undefined;
  #lastSecond = 0;
  readonly #seen = new Map<number, Set<string>>();
  /** Whether this connection replays earlier events. */
  #isReplaying = false;
  /** The time of the earliest event that was not replayed. */
  #earliestNano: string | undefined;

  /** The second (since 1970) from which the engine has to replay events; `undefined` for no replay. */
  get since(): number | undefined {
    if (this.#startSecond === undefined) return undefined;
    return Math.max(this.#startSecond, this.#lastSecond - overlapSeconds);
  }

  /**
   * Records a new connection, opened with `since`. `engineSecond` is the engine's time, if it reported one.
   */
  connect(engineSecond: number | undefined): void {
    this.#isReplaying = this.since !== undefined;
    this.#startSecond ??= engineSecond;
  }

  /** Returns whether `event` is new to the reader, and records it. */
  take(event: EngineEvent): boolean {
    const { atNano, kind, id, action, detail } = event;
    const second = Number(atNano.slice(0, -9));
    this.#startSecond ??= second;
    if (!this.#isReplaying) this.#earliestNano = earlier(this.#earliestNano, atNano);
    // The start is known to the second only: earlier events of that second happened before the reader
    // started.
    else if (second === this.#startSecond && atNano < (this.#earliestNano ?? '')) return false;

    const key = `${atNano} ${kind} ${id} ${action} ${detail ?? ''}`;
    const seen = this.#seen.get(second) ?? new Set<string>();
    if (seen.has(key)) return false;
    seen.add(key);
    this.#seen.set(second, seen);
    this.#lastSecond = Math.max(this.#lastSecond, second);
    this.#forget();
    return true;
  }

  /** Forgets events that the engine will not replay. */
  #forget(): void {
    const since = this.since ?? 0;
    for (const second of this.#seen.keys()) if (second < since) this.#seen.delete(second);
  }
}

function earlier(first: string | undefined, second: string): string {
  return first === undefined || second < first ? second : first;
}
