import type { Engine } from '../../lib/engine/engine';
import type { EngineEvent } from '../../lib/engine/engine-event';
import { watchEvents, type WatchedEvent, type WatchOptions } from '../../lib/engine/watch-events';
import { until } from './until';

type Listing = Extract<WatchedEvent, { type: 'listing' }>;

/** A watch whose items are collected. */
export interface Collection extends AsyncDisposable {
  readonly items: readonly WatchedEvent[];
  events(): readonly EngineEvent[];
  listings(): readonly Listing[];
  /**
   * Waits until `condition` holds, ten seconds by default; throws with the collected items when it does not.
   */
  until(condition: () => boolean, timeoutMs?: number): Promise<void>;
  /**
   * Waits for the next listing after those collected; the stream is open then, so later events are not
   * missed.
   */
  untilListed(): Promise<Listing>;
}

export function collectEvents(engine: Engine, options: Omit<WatchOptions, 'signal'>): Collection {
  const ending = new AbortController();
  const items: WatchedEvent[] = [];
  const reading = watchEvents(engine, { ...options, signal: ending.signal }, (item) => void items.push(item));
  const listings = () => items.filter((item) => item.type === 'listing');
  const untilTrue = async (condition: () => boolean, timeoutMs = 10_000): Promise<void> => {
    if (await until(condition, timeoutMs)) return;
    const collected = items.map((item) => (item.type === 'listing' ? 'listing' : formatEvent(item.event)));
    throw new Error(
      `not within ${timeoutMs} ms: ${condition.toString()}, of these:\n${collected.join('\n')}`,
    );
  };
  let seen = 0;
  return {
    items,
    events: () => items.filter((item) => item.type === 'event').map(({ event }) => event),
    listings,
    until: untilTrue,
    async untilListed() {
      await untilTrue(() => listings().length > seen);
      seen = listings().length;
      const [last = { type: 'listing', targets: [] }] = listings().slice(-1);
      return last;
    },
    async [Symbol.asyncDispose]() {
      ending.abort();
      await reading;
    },
  };
}

/** `container die 3f2a91c0…` */
export function formatEvent({ kind, action, id }: EngineEvent): string {
  return `${kind} ${action} ${id}`;
}
