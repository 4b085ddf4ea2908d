import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  advanceShared,
  nothingShared,
  type SharedAction,
  type SharedEvent,
  type SharedState,
} from '../../lib/run/shared-state';

const error = { name: 'Error', message: 'no disk', stack: 'Error: no disk\n    at make (db.ts:3:1)' };
const json = '{"port":5432}';

/** What comes of events, one after the other. */
function after(...events: readonly SharedEvent[]): {
  readonly state: SharedState;
  readonly actions: readonly SharedAction[];
} {
  let state = nothingShared;
  let actions: readonly SharedAction[] = [];
  for (const event of events) ({ state, actions } = advanceShared(state, event));
  return { state, actions };
}

let tickets = 0;
const ask = (name: string, worker: string, ticket = (tickets += 1), within?: string): SharedEvent => ({
  type: 'asked',
  name,
  asker: { ticket, worker, within },
});
const made = (name: string, worker: string): SharedEvent => ({
  type: 'settled',
  name,
  worker,
  made: { json },
});
const failed = (name: string, worker: string): SharedEvent => ({
  type: 'settled',
  name,
  worker,
  made: { error },
});
const cleared = (name: string): SharedEvent => ({ type: 'cleared', name });

describe('a shared thing', () => {
  it('is made by who asks first', () => {
    expect(after(ask('db', 'a', 1)).actions).toEqual([{ type: 'answer', ticket: 1, turn: { type: 'make' } }]);
  });

  it('is waited for by those who ask meanwhile, and handed to all of them once it is made', () => {
    expect(after(ask('db', 'a', 1), ask('db', 'b', 2)).actions).toEqual([]);
    const turn = { type: 'there', json };
    expect(after(ask('db', 'a', 1), ask('db', 'b', 2), ask('db', 'a', 3), made('db', 'a')).actions).toEqual([
      { type: 'answer', ticket: 2, turn },
      { type: 'answer', ticket: 3, turn },
    ]);
    expect(after(ask('db', 'a', 1), made('db', 'a'), ask('db', 'c', 4)).actions).toEqual([
      { type: 'answer', ticket: 4, turn },
    ]);
  });

  it('whose factory fails fails for all who wait, is cleared away, and is made anew by the next who asks', () => {
    const { actions } = after(ask('db', 'a', 1), ask('db', 'b', 2), failed('db', 'a'));
    expect(actions).toEqual([
      { type: 'refuse', ticket: 2, why: { type: 'failed', error } },
      { type: 'clear', name: 'db' },
    ]);
    const again = [ask('db', 'a', 1), failed('db', 'a'), ask('db', 'b', 3)];
    expect(after(...again).actions).toEqual([]);
    const turn = { type: 'make' };
    expect(after(...again, cleared('db')).actions).toEqual([{ type: 'answer', ticket: 3, turn }]);
  });

  it('whose maker dies is cleared away, and made by the first who waits', () => {
    const events = [ask('db', 'a', 1), ask('db', 'a', 2), ask('db', 'b', 3), ask('db', 'c', 4)];
    const { actions } = after(...events, { type: 'worker-gone', worker: 'a' });
    expect(actions).toEqual([{ type: 'clear', name: 'db' }]);
    expect(after(...events, { type: 'worker-gone', worker: 'a' }, cleared('db')).actions).toEqual([
      { type: 'answer', ticket: 3, turn: { type: 'make' } },
    ]);
  });

  it('lives on when its maker dies later', () => {
    const { actions } = after(
      ask('db', 'a', 1),
      made('db', 'a'),
      { type: 'worker-gone', worker: 'a' },
      ask('db', 'b', 2),
    );
    expect(actions).toEqual([{ type: 'answer', ticket: 2, turn: { type: 'there', json } }]);
  });

  it('is not settled by who does not make it', () => {
    const { state, actions } = after(ask('db', 'a', 1), ask('db', 'b', 2), made('db', 'b'));
    expect(actions).toEqual([]);
    expect(state.things.get('db')?.phase).toBe('making');
  });

  it('is waited for no longer than the deadline', () => {
    const { actions } = after(ask('db', 'a', 1), ask('db', 'b', 2), { type: 'time-ran-out', ticket: 2 });
    expect(actions).toEqual([{ type: 'refuse', ticket: 2, why: { type: 'time-ran-out', name: 'db' } }]);
  });

  it('that waits for itself, across workers too, is refused with the way around', () => {
    const itself = after(ask('a', 'w', 1), ask('a', 'w', 2, 'a'));
    expect(itself.actions).toEqual([{ type: 'refuse', ticket: 2, why: { type: 'cycle', path: ['a', 'a'] } }]);
    const { actions } = after(
      ask('a', 'w', 1),
      ask('b', 'v', 2),
      ask('c', 'v', 3, 'b'),
      ask('a', 'v', 4, 'c'),
      ask('b', 'w', 5, 'a'),
    );
    expect(actions).toEqual([
      { type: 'refuse', ticket: 5, why: { type: 'cycle', path: ['b', 'c', 'a', 'b'] } },
    ]);
  });

  it('that two others wait for is no cycle', () => {
    const { actions } = after(
      ask('a', 'w', 1),
      ask('b', 'v', 2),
      ask('net', 'w', 3, 'a'),
      ask('net', 'v', 4, 'b'),
      made('net', 'w'),
    );
    expect(actions).toEqual([{ type: 'answer', ticket: 4, turn: { type: 'there', json } }]);
  });

  it('is neither made nor waited for once the run ends', () => {
    const waiting = [ask('db', 'a', 1), ask('db', 'b', 2)];
    expect(after(...waiting, { type: 'ending' }).actions).toEqual([
      { type: 'refuse', ticket: 2, why: { type: 'ending', name: 'db' } },
    ]);
    expect(after({ type: 'ending' }, ask('db', 'a', 3)).actions).toEqual([
      { type: 'refuse', ticket: 3, why: { type: 'ending', name: 'db' } },
    ]);
  });

  it('stands in the order in which things came to be', () => {
    const { state } = after(ask('a', 'w'), ask('b', 'w'), made('b', 'w'), made('a', 'w'));
    expect(state.made).toEqual(['b', 'a']);
  });
});

const names = ['a', 'b', 'c'] as const;
const workers = ['u', 'v', 'w'] as const;
const deeds = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('ask' as const),
        name: fc.constantFrom(...names),
        worker: fc.constantFrom(...workers),
        within: fc.option(fc.constantFrom(...names)),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('settle' as const),
        name: fc.constantFrom(...names),
        isMade: fc.boolean(),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('clear' as const), name: fc.constantFrom(...names) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('die' as const), worker: fc.constantFrom(...workers) }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('time out' as const), ticket: fc.nat(40) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('end' as const) }) },
  ),
  { maxLength: 40 },
);
type Deed = (typeof deeds extends fc.Arbitrary<(infer D)[]> ? D : never) & object;

/** Does what it is told with the state machine, and knows from the outside alone who makes what, and who waits. */
class Play {
  state = nothingShared;
  readonly makers = new Map<string, string>();
  readonly toClear = new Set<string>();
  readonly waiting = new Map<number, { readonly name: string; readonly worker: string }>();
  nextTicket = 1;

  do(deed: Deed): void {
    switch (deed.do) {
      case 'ask':
        return this.ask(deed.name, deed.worker, deed.within ?? undefined);
      case 'settle': {
        const worker = this.makers.get(deed.name);
        if (worker === undefined) return;
        this.makers.delete(deed.name);
        this.advance(deed.isMade ? made(deed.name, worker) : failed(deed.name, worker));
        return;
      }
      case 'clear':
        if (this.toClear.delete(deed.name)) this.advance(cleared(deed.name));
        return;
      case 'die':
        for (const [ticket, { worker }] of this.waiting)
          if (worker === deed.worker) this.waiting.delete(ticket);
        for (const [name, worker] of this.makers) if (worker === deed.worker) this.makers.delete(name);
        this.advance({ type: 'worker-gone', worker: deed.worker });
        return;
      case 'time out':
        this.advance({ type: 'time-ran-out', ticket: deed.ticket });
        return;
      case 'end':
        this.advance({ type: 'ending' });
    }
  }

  /** A factory asks in the worker that runs it. */
  ask(name: string, worker: string, wanted: string | undefined): void {
    const maker = wanted === undefined ? undefined : this.makers.get(wanted);
    const ticket = this.nextTicket;
    this.nextTicket += 1;
    const whose = maker ?? worker;
    this.waiting.set(ticket, { name, worker: whose });
    this.advance(ask(name, whose, ticket, maker === undefined ? undefined : wanted));
  }

  advance(event: SharedEvent): void {
    const { state, actions } = advanceShared(this.state, event);
    this.state = state;
    for (const action of actions) {
      if (action.type === 'clear') {
        expect(this.makers.has(action.name)).toBe(false);
        expect(this.toClear.has(action.name)).toBe(false);
        this.toClear.add(action.name);
        continue;
      }
      const asked = this.waiting.get(action.ticket);
      // Nobody is answered twice, and nobody who is gone.
      expect(asked).toBeDefined();
      this.waiting.delete(action.ticket);
      if (action.type === 'answer' && action.turn.type === 'make') {
        expect(this.makers.has(asked!.name)).toBe(false);
        expect(this.toClear.has(asked!.name)).toBe(false);
        this.makers.set(asked!.name, asked!.worker);
      }
    }
  }
}

it('has one maker at a time, answers each who asks once, and leaves nobody waiting when all makers have ended', () => {
  const anyPlay = fc.property(deeds, (all) => {
    const play = new Play();
    for (const deed of all) play.do(deed);
    // Factories end one after the other: one that waits for another ends after that, and no two wait for each other.
    for (let round = 0; round < 100 && play.makers.size + play.toClear.size > 0; round += 1) {
      for (const name of play.toClear) play.do({ do: 'clear', name: name as 'a' });
      for (const name of play.makers.keys()) {
        play.do({ do: 'settle', name: name as 'a', isMade: true });
      }
    }
    expect([...play.waiting]).toEqual([]);
    expect(play.makers.size + play.toClear.size).toBe(0);
  });
  fc.assert(anyPlay, { numRuns: 500 });
});

it('has no factories that wait for each other', () => {
  const anyPlay = fc.property(deeds, (all) => {
    const play = new Play();
    for (const deed of all) play.do(deed);
    const waitsFor = new Map<string, Set<string>>();
    for (const [name, thing] of play.state.things) {
      if (thing.phase === 'there') continue;
      const askers = [...thing.waiters, ...(thing.phase === 'making' ? [thing.maker] : [])];
      for (const { within } of askers)
        if (within !== undefined) waitsFor.set(within, (waitsFor.get(within) ?? new Set()).add(name));
    }
    const reaches = (from: string, to: string, depth: number): boolean =>
      depth > 0 &&
      [...(waitsFor.get(from) ?? [])].some((next) => next === to || reaches(next, to, depth - 1));
    for (const name of names) expect(reaches(name, name, names.length)).toBe(false);
  });
  fc.assert(anyPlay, { numRuns: 500 });
});
