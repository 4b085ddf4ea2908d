import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { claimKey, digestBounds, type BoundedLabels } from '../../lib/core/bounds';
import { LeaseClient } from '../../lib/lease/client';
import type { Request } from '../../lib/reaper/protocol/message';
import { openFakeReaper } from '../support/fake-reaper';

const owner = { host: 'here', pid: 7 };
const own: BoundedLabels = { labels: ['own=1'] };
const warnings: string[] = [];

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance'] });
  jest.spyOn(process, 'emitWarning').mockImplementation((_warning, options) => {
    warnings.push((options as { code: string }).code);
  });
});

afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

const keyOf = ({ labels, bounds }: BoundedLabels): string => claimKey(labels, digestBounds(bounds));
const countOf = (code: string): number => warnings.filter((one) => one === code).length;

/** A lease client, and a reaper that answers one request of the connection per call of `answer`. */
class Play {
  /** The claims that the reaper of this connection holds, in order. */
  held: string[] = [];
  readonly wanted = new Set([keyOf(own)]);
  readonly answers: Promise<void>[] = [];
  readonly #fake = openFakeReaper();
  readonly #client: LeaseClient;
  #pending: Request[] = [];
  #isServed = true;

  private constructor() {
    const { connect } = this.#fake;
    this.#fake.connect = async () => {
      if (!this.#isServed) throw new Error('no reaper');
      this.held = [];
      this.#pending = [];
      return connect();
    };
    this.#fake.answering = (request) => {
      // Sent by a client that is closed, or on a connection that has ended.
      this.#pending.push(request);
      return undefined;
    };
    this.#client = new LeaseClient({
      hello: { version: '1', session: 's', owner },
      connect: () => this.#fake.connect(),
    });
  }

  static async open(): Promise<Play> {
    warnings.length = 0;
    const play = new Play();
    const opening = play.#client.open(own.labels);
    await play.settle();
    await opening;
    return play;
  }

  get isHeld(): boolean {
    return this.#client.isHeld;
  }

  claim(claim: BoundedLabels): void {
    this.wanted.add(keyOf(claim));
    this.answers.push(this.#client.claim(claim.labels, claim.bounds));
  }

  release(claim: BoundedLabels): void {
    this.wanted.delete(keyOf(claim));
    this.answers.push(this.#client.release(claim.labels, claim.bounds));
  }

  answer(): void {
    const request = this.#pending.shift();
    if (request === undefined) return;
    const key = 'labels' in request ? claimKey(request.labels, request.bounds) : '';
    if (request.type === 'claim' && !this.held.includes(key)) this.held.push(key);
    if (request.type === 'release') this.held = this.held.filter((one) => one !== key);
    this.#fake.say(`{"id":${request.id},"ok":true}\n`);
  }

  disconnect(isServed: boolean): void {
    this.#isServed = isServed;
    this.#fake.hangUp();
  }

  /** Answers everything, at the next reaper if this one has disconnected. */
  async settle(): Promise<void> {
    this.#isServed = true;
    for (let quietTurns = 0; quietTurns < 3; quietTurns += 1) {
      await turns();
      if (this.#pending.length > 0 || !this.#client.isHeld) quietTurns = 0;
      while (this.#pending.length > 0) this.answer();
      if (!this.#client.isHeld) await jest.advanceTimersByTimeAsync(1_000);
    }
  }

  async close(): Promise<void> {
    const closing = this.#client.close();
    await turns();
    while (this.#pending.length > 0) this.answer();
    await closing;
  }
}

/** Pipes deliver what was written within a few turns. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}

const claim = fc.constantFrom<BoundedLabels>(
  { labels: ['a=1'] },
  { labels: ['b=2'] },
  { labels: ['b=2'], bounds: { except: ['volume data'] } },
  { labels: ['b=2'], bounds: { only: ['container web'] } },
);
type Step =
  | { readonly do: 'claim' | 'release'; readonly claim: BoundedLabels }
  | { readonly do: 'answer' | 'wait' }
  | { readonly do: 'disconnect'; readonly isServed: boolean };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('claim' as const), claim }),
  fc.record({ do: fc.constant('release' as const), claim }),
  fc.record({ do: fc.constant('disconnect' as const), isServed: fc.boolean() }),
  fc.constant({ do: 'wait' as const }),
  fc.constant({ do: 'answer' as const }),
  fc.constant({ do: 'answer' as const }),
);

async function perform(play: Play, steps: readonly Step[]): Promise<void> {
  for (const one of steps) {
    switch (one.do) {
      case 'claim':
        play.claim(one.claim);
        break;
      case 'release':
        play.release(one.claim);
        break;
      case 'answer':
        play.answer();
        break;
      case 'disconnect':
        play.disconnect(one.isServed);
        break;
      case 'wait':
        await turns();
        break;
    }
  }
}

describe('a lease client with events in any order', () => {
  it('has exactly the claims that were not released at the last reaper, answers every caller, and reports each loss and each return once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const play = await Play.open();
        await perform(play, steps);
        await play.settle();
        expect(play.isHeld).toBe(true);
        expect(play.held.toSorted()).toEqual([...play.wanted].toSorted());
        expect(countOf('CASTOFF_LEASE_REGAINED')).toBe(countOf('CASTOFF_LEASE_LOST'));
        await Promise.all(play.answers);
        expect(countOf('CASTOFF_CLAIM_UNANSWERED')).toBe(0);
        await play.close();
      }),
    );
  });

  it('repeats claims in the order in which they were first made', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.nat(9), { maxLength: 8 }), fc.nat(8), async (numbers, answers) => {
        const play = await Play.open();
        for (const number of numbers) play.claim({ labels: [`n=${number}`] });
        await turns();
        for (let count = 0; count < answers; count += 1) play.answer();
        play.disconnect(true);
        await play.settle();
        expect(play.held).toEqual(['own=1', ...numbers.map((number) => `n=${number}`)]);
        await play.close();
      }),
      { numRuns: 50 },
    );
  });
});
