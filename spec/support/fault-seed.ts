import type { Fault } from './fault-rules';

export interface SeedOptions {
  /** The share of matching calls that are disturbed, from 0 to 1. */
  readonly rate: number;
  /** The faults to choose from. Default: {@link seedFaults}. */
  readonly faults?: readonly Fault[] | undefined;
  /** The calls that may be disturbed. Default: {@link seedCalls}. */
  readonly on?: string | readonly string[] | undefined;
}

/** Only faults that end: a client without its own timeout gets past all of them by retrying. */
const seedFaults: readonly Fault[] = [
  { type: 'answer', status: 500, message: 'fault on purpose' },
  { type: 'delay', ms: 50 },
  { type: 'reset' },
  { type: 'lose-answer' },
];

/**
 * Calls that remove or inspect. Not those that create, start, stream, hijack or build: their content would be
 * lost.
 */
export const seedCalls: readonly string[] = [
  'DELETE **',
  'POST /containers/*/stop',
  'POST /containers/*/kill',
  'POST /containers/*/wait',
  'POST /networks/*/disconnect',
  'GET /containers/json',
  'GET /containers/*/json',
  'GET /images/json',
  'GET /images/**/json',
  'GET /networks',
  'GET /networks/*',
  'GET /volumes',
  'GET /volumes/*',
];

/**
 * Returns the fault of the `nth` matching call: the same for the same seed, independent of request and time.
 */
export function decideBySeed(seed: number, nth: number, options: SeedOptions): Fault | undefined {
  const random = mulberry32(seed ^ Math.imul(nth, 0x9e3779b1));
  const faults = options.faults ?? seedFaults;
  return random() < options.rate ? faults[Math.floor(random() * faults.length)] : undefined;
}

/**
 * Tommy Ettinger's 32-bit generator: https://gist.github.com/tommyettinger/46a874533244883189143505d203312c
 */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
