import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  advanceClient,
  initialClientState,
  type RequestBody,
  type ClientAction,
  type ClientEvent,
} from '../../lib/lease/client-state';
import { claimKey, type BoundedLabels } from '../../lib/core/bounds';
import type { Request } from '../../lib/reaper/protocol/message';

const keyOf = ({ labels, bounds }: BoundedLabels): string => claimKey(labels, bounds);

const hello = {
  type: 'hello',
  protocol: 3,
  version: '1',
  session: 's',
  owner: { host: 'h', pid: 1 },
} as const;

/** A client, and a reaper that answers one request of the connection per call of `answer`. */
class Play {
  state = initialClientState(hello);
  readonly actions: ClientAction[] = [];
  /** Requests of this connection that are not answered yet. */
  pending: Request[] = [];
  /** The claims that the reaper of this connection holds, in order. */
  held: string[] = [];
  wanted: string[] = [];
  isConnected = false;
  tickets = 0;

  apply(event: ClientEvent): void {
    const { state, actions } = advanceClient(this.state, event);
    this.state = state;
    this.actions.push(...actions);
    for (const action of actions) if (action.type === 'send') this.pending.push(action.request);
  }

  request(body: RequestBody): void {
    this.tickets += 1;
    if (body.type === 'claim' && !this.wanted.includes(keyOf(body))) this.wanted.push(keyOf(body));
    if (body.type === 'release') this.wanted = this.wanted.filter((key) => key !== keyOf(body));
    this.apply({ type: 'requested', body, ticket: this.tickets });
  }

  connect(): void {
    if (this.isConnected) return;
    this.isConnected = true;
    this.pending = [];
    this.held = [];
    this.apply({ type: 'connected' });
  }

  answer(): void {
    const request = this.pending.shift();
    if (request === undefined || !this.isConnected) return;
    const key = 'labels' in request ? keyOf(request) : '';
    if (request.type === 'claim' && !this.held.includes(key)) this.held.push(key);
    if (request.type === 'release') this.held = this.held.filter((one) => one !== key);
    this.apply({ type: 'answered', reply: { id: request.id, ok: true } });
  }

  disconnect(): void {
    if (!this.isConnected) return;
    this.isConnected = false;
    this.apply({ type: 'disconnected' });
  }

  count(type: ClientAction['type']): number {
    return this.actions.filter((action) => action.type === type).length;
  }
}

const claim = fc.constantFrom<BoundedLabels>(
  { labels: ['a=1'] },
  { labels: ['b=2'] },
  { labels: ['b=2'], bounds: { except: ['volume data'] } },
  { labels: ['b=2'], bounds: { only: ['container web'] } },
);
type Step =
  | { readonly do: 'claim' | 'release'; readonly claim: BoundedLabels }
  | { readonly do: 'ping' | 'connect' | 'disconnect' | 'answer' };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('claim' as const), claim }),
  fc.record({ do: fc.constant('release' as const), claim }),
  fc.constant({ do: 'ping' as const }),
  fc.constant({ do: 'connect' as const }),
  fc.constant({ do: 'disconnect' as const }),
  fc.constant({ do: 'answer' as const }),
  fc.constant({ do: 'answer' as const }),
);

function perform(play: Play, steps: readonly Step[]): void {
  for (const one of steps) {
    switch (one.do) {
      case 'connect':
        play.connect();
        break;
      case 'disconnect':
        play.disconnect();
        break;
      case 'answer':
        play.answer();
        break;
      case 'ping':
        play.request({ type: 'ping' });
        break;
      case 'claim':
      case 'release':
        play.request({ type: one.do, ...one.claim });
        break;
    }
  }
}

function settleAll(play: Play): void {
  play.connect();
  while (play.pending.length > 0) play.answer();
}

describe('a lease client with events in any order', () => {
  it('the last reaper holds exactly the claims that were not released, and every request is answered once', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const play = new Play();
        perform(play, steps);
        settleAll(play);
        expect(play.held.toSorted()).toEqual(play.wanted.toSorted());
        expect(play.state.phase).toBe('held');
        const settled = play.actions.filter((action) => action.type === 'settle').map(({ ticket }) => ticket);
        expect(settled.toSorted((one, other) => one - other)).toEqual(
          Array.from({ length: play.tickets }, (_, index) => index + 1),
        );
      }),
    );
  });

  it('each loss of a held lease is reported once, and is followed by one report of its return', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const play = new Play();
        perform(play, steps);
        settleAll(play);
        const regained = play.actions.filter((action) => action.type === 'held' && action.wasLost).length;
        expect(regained).toBe(play.count('lost'));
        expect(play.count('held')).toBe(regained + 1);
      }),
    );
  });

  it('claims are repeated in the order in which they were first made', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(9), { maxLength: 8 }), fc.nat(8), (numbers, answers) => {
        const play = new Play();
        play.connect();
        for (const number of numbers) play.request({ type: 'claim', labels: [`n=${number}`] });
        for (let count = 0; count < answers; count += 1) play.answer();
        play.disconnect();
        settleAll(play);
        expect(play.held).toEqual(numbers.map((number) => `n=${number}`));
      }),
    );
  });
});

describe('a lease client', () => {
  it('a client sends no requests after its bye', () => {
    const play = new Play();
    settleAll(play);
    play.request({ type: 'claim', labels: ['a=1'] });
    play.request({ type: 'bye' });
    while (play.pending.length > 0) play.answer();
    const before = play.count('send');
    play.request({ type: 'claim', labels: ['b=2'] });
    play.disconnect();
    expect(play.count('send')).toBe(before);
    expect(play.count('lost')).toBe(0);
    expect(play.count('settle')).toBe(3);
  });
});
