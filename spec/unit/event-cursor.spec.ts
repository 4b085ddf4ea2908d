import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { EngineEvent } from '../../lib/engine/engine-event';
import { EventCursor } from '../../lib/engine/event-cursor';

const startSecond = 1_795_251_086;

function eventAt(nano: bigint, id = 'a', action = 'start'): EngineEvent {
  const atNano = String(BigInt(startSecond) * 1_000_000_000n + nano);
  return { kind: 'container', action, id, labels: {}, atNano };
}

const seconds = (n: number): bigint => BigInt(Math.round(n * 1_000_000_000));

/** The events of an engine, in the order of delivery; two may have the same nanosecond. */
const histories = fc
  .array(fc.integer({ min: 0, max: 1_500 }), { minLength: 1, maxLength: 60 })
  .map((pauses) => {
    let atMs = 0;
    return pauses.map((pauseMs, index) => {
      atMs += pauseMs;
      return eventAt(BigInt(atMs) * 1_000_000n, `container ${index}`);
    });
  });

/** The number of events until each connection breaks, and how often it delivers each of them. */
const breaks = fc.array(fc.record({ events: fc.nat(15), copies: fc.integer({ min: 1, max: 3 }) }));

/** The events that an engine sends for `since`. */
function eventsSince(history: readonly EngineEvent[], since: number | undefined, liveFrom: number) {
  if (since === undefined) return history.slice(liveFrom);
  return history.filter(({ atNano }) => BigInt(atNano) >= BigInt(since) * 1_000_000_000n);
}

/** A connection does not start between two events of one nanosecond: their order would be unknown. */
function startOfNanosecond(history: readonly EngineEvent[], at: number): number {
  return history.findIndex(({ atNano }) => atNano === history[at]?.atNano);
}

describe('an event cursor', () => {
  it('requests no replay before the first event', () => {
    const cursor = new EventCursor();
    expect(cursor.since).toBeUndefined();
    cursor.connect(undefined);
    expect(cursor.since).toBeUndefined();
  });

  it('requests a replay from the start of its first connection when there was no event yet', () => {
    const cursor = new EventCursor();
    cursor.connect(startSecond);
    cursor.connect(startSecond + 60);
    expect(cursor.since).toBe(startSecond);
  });

  it('requests a replay of the last seconds, but never from before its first connection', () => {
    const cursor = new EventCursor();
    cursor.connect(startSecond);
    cursor.take(eventAt(seconds(1.5)));
    expect(cursor.since).toBe(startSecond);
    cursor.take(eventAt(seconds(10.9)));
    expect(cursor.since).toBe(startSecond + 8);
  });

  it('accepts an event that arrives after later ones', () => {
    const cursor = new EventCursor();
    cursor.connect(startSecond);
    expect(cursor.take(eventAt(seconds(20)))).toBe(true);
    expect(cursor.take(eventAt(seconds(19.9)))).toBe(true);
    expect(cursor.take(eventAt(seconds(1)))).toBe(true);
    expect(cursor.since).toBe(startSecond + 18);
  });

  it('distinguishes events of the same nanosecond', () => {
    const cursor = new EventCursor();
    cursor.connect(startSecond);
    expect(cursor.take(eventAt(seconds(1), 'a', 'die'))).toBe(true);
    expect(cursor.take(eventAt(seconds(1), 'b', 'die'))).toBe(true);
    expect(cursor.take(eventAt(seconds(1), 'b', 'destroy'))).toBe(true);
    expect(cursor.take({ ...eventAt(seconds(1), 'b', 'destroy'), kind: 'network' })).toBe(true);
    expect(cursor.take(eventAt(seconds(1), 'b', 'die'))).toBe(false);
  });

  it('continues to accept events of an engine whose clock was set back', () => {
    const cursor = new EventCursor();
    cursor.connect(startSecond);
    cursor.take(eventAt(seconds(3_600)));
    expect(cursor.take(eventAt(seconds(-600)))).toBe(true);
  });

  it('accepts every event once and in order across any number of broken connections and replays', () => {
    fc.assert(
      fc.property(histories, breaks, fc.nat(10), fc.boolean(), (history, cuts, startAt, isTimeTold) => {
        const start = startOfNanosecond(history, Math.min(startAt, history.length - 1));
        const cursor = new EventCursor();
        const taken: EngineEvent[] = [];
        let reached = start;
        const connections = [{ events: 1, copies: 1 }, ...cuts, { events: history.length, copies: 1 }];
        for (const { events, copies } of connections) {
          const next = history[reached] ?? history.at(-1);
          const second = Number(BigInt(next?.atNano ?? 0) / 1_000_000_000n);
          const stream = eventsSince(history, cursor.since, reached);
          cursor.connect(isTimeTold ? second : undefined);
          reached = Math.min(history.length, reached + events);
          for (const event of stream.filter((one) => history.indexOf(one) < reached))
            for (let copy = 0; copy < copies; copy++) if (cursor.take(event)) taken.push(event);
        }
        expect(taken.map(({ id }) => id)).toEqual(history.slice(start).map(({ id }) => id));
      }),
    );
  });

  it('remembers only events of the last seconds', () => {
    const cursor = new EventCursor();
    cursor.connect(startSecond);
    for (let at = 0; at < 100; at++) cursor.take(eventAt(seconds(at)));
    const remembered = [];
    for (let at = 0; at < 100; at++) if (!cursor.take(eventAt(seconds(at)))) remembered.push(at);
    expect(remembered).toEqual([97, 98, 99]);
  });
});
