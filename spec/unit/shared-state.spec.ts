import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  advanceShared,
  initialSharedState,
  type SharedAction,
  type SharedEvent,
  type SharedState,
} from '../../lib/run/shared-state';

const error = { name: 'Error', message: 'no disk', stack: 'Error: no disk\n    at make (db.ts:3:1)' };
const json = '{"port":5432}';

/** Returns the final state, and the actions of the last event. */
function after(...events: readonly SharedEvent[]): {
  readonly state: SharedState;
  readonly actions: readonly SharedAction[];
} {
  let state = initialSharedState;
  let actions: readonly SharedAction[] = [];
  for (const event of events) ({ state, actions } = advanceShared(state, event));
  return { state, actions };
}

let tickets = 0;
const ask = (name: string, worker: string, ticket = (tickets += 1), within?: string): SharedEvent => ({
  type: 'asked',
  name,
  requester: { ticket, worker, within },
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

describe('a shared fixture', () => {
  it('a shared fixture is made by the first requester', () => {
    expect(after(ask('db', 'a', 1)).actions).toEqual([{ type: 'answer', ticket: 1, turn: { type: 'make' } }]);
  });

  it('requesters wait while a shared fixture is being made, and all get its value', () => {
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

  it('a shared fixture whose factory fails is refused to all waiters, cleared, and made by the next requester', () => {
    const { actions } = after(ask('db', 'a', 1), ask('db', 'b', 2), failed('db', 'a'));
    expect(actions).toEqual([
      { type: 'refuse', ticket: 2, reason: { type: 'failed', error } },
      { type: 'clear', name: 'db' },
    ]);
    const again = [ask('db', 'a', 1), failed('db', 'a'), ask('db', 'b', 3)];
    expect(after(...again).actions).toEqual([]);
    const turn = { type: 'make' };
    expect(after(...again, cleared('db')).actions).toEqual([{ type: 'answer', ticket: 3, turn }]);
  });

  it('a shared fixture whose maker dies is cleared, and made by the first waiter', () => {
    const events = [ask('db', 'a', 1), ask('db', 'a', 2), ask('db', 'b', 3), ask('db', 'c', 4)];
    const { actions } = after(...events, { type: 'worker-ended', worker: 'a' });
    expect(actions).toEqual([{ type: 'clear', name: 'db' }]);
    expect(after(...events, { type: 'worker-ended', worker: 'a' }, cleared('db')).actions).toEqual([
      { type: 'answer', ticket: 3, turn: { type: 'make' } },
    ]);
  });

  it('a shared fixture survives its maker', () => {
    const { actions } = after(
      ask('db', 'a', 1),
      made('db', 'a'),
      { type: 'worker-ended', worker: 'a' },
      ask('db', 'b', 2),
    );
    expect(actions).toEqual([{ type: 'answer', ticket: 2, turn: { type: 'there', json } }]);
  });

  it('a shared fixture is settled only by its maker', () => {
    const { state, actions } = after(ask('db', 'a', 1), ask('db', 'b', 2), made('db', 'b'));
    expect(actions).toEqual([]);
    expect(state.fixtures.get('db')?.phase).toBe('making');
  });

  it('a requester stops waiting at its deadline', () => {
    const { actions } = after(ask('db', 'a', 1), ask('db', 'b', 2), { type: 'timed-out', ticket: 2 });
    expect(actions).toEqual([{ type: 'refuse', ticket: 2, reason: { type: 'timed-out', name: 'db' } }]);
  });

  it('a cycle of factories, also across workers, is refused with its path', () => {
    const itself = after(ask('a', 'w', 1), ask('a', 'w', 2, 'a'));
    expect(itself.actions).toEqual([
      { type: 'refuse', ticket: 2, reason: { type: 'cycle', path: ['a', 'a'] } },
    ]);
    const { actions } = after(
      ask('a', 'w', 1),
      ask('b', 'v', 2),
      ask('c', 'v', 3, 'b'),
      ask('a', 'v', 4, 'c'),
      ask('b', 'w', 5, 'a'),
    );
    expect(actions).toEqual([
      { type: 'refuse', ticket: 5, reason: { type: 'cycle', path: ['b', 'c', 'a', 'b'] } },
    ]);
  });

  it('two factories that wait for a third are no cycle', () => {
    const { actions } = after(
      ask('a', 'w', 1),
      ask('b', 'v', 2),
      ask('net', 'w', 3, 'a'),
      ask('net', 'v', 4, 'b'),
      made('net', 'w'),
    );
    expect(actions).toEqual([{ type: 'answer', ticket: 4, turn: { type: 'there', json } }]);
  });

  it('requests are refused once the run is ending', () => {
    const waiting = [ask('db', 'a', 1), ask('db', 'b', 2)];
    expect(after(...waiting, { type: 'ending' }).actions).toEqual([
      { type: 'refuse', ticket: 2, reason: { type: 'ending', name: 'db' } },
    ]);
    expect(after({ type: 'ending' }, ask('db', 'a', 3)).actions).toEqual([
      { type: 'refuse', ticket: 3, reason: { type: 'ending', name: 'db' } },
    ]);
  });

  it('the state lists fixtures in the order in which they were made', () => {
    const { state } = after(ask('a', 'w'), ask('b', 'w'), made('b', 'w'), made('a', 'w'));
    expect(state.made).toEqual(['b', 'a']);
  });
});

const names = ['a', 'b', 'c'] as const;
const workers = ['u', 'v', 'w'] as const;
const steps = fc.array(
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
type Step = (typeof steps extends fc.Arbitrary<(infer D)[]> ? D : never) & object;

/** Feeds the state machine, and tracks makers and waiters from its actions alone. */
class Play {
  state = initialSharedState;
  readonly makers = new Map<string, string>();
  readonly toClear = new Set<string>();
  readonly waiting = new Map<number, { readonly name: string; readonly worker: string }>();
  nextTicket = 1;

  do(step: Step): void {
    switch (step.do) {
      case 'ask':
        return this.ask(step.name, step.worker, step.within ?? undefined);
      case 'settle': {
        const worker = this.makers.get(step.name);
        if (worker === undefined) return;
        this.makers.delete(step.name);
        this.advance(step.isMade ? made(step.name, worker) : failed(step.name, worker));
        return;
      }
      case 'clear':
        if (this.toClear.delete(step.name)) this.advance(cleared(step.name));
        return;
      case 'die':
        for (const [ticket, { worker }] of this.waiting)
          if (worker === step.worker) this.waiting.delete(ticket);
        for (const [name, worker] of this.makers) if (worker === step.worker) this.makers.delete(name);
        this.advance({ type: 'worker-ended', worker: step.worker });
        return;
      case 'time out':
        this.advance({ type: 'timed-out', ticket: step.ticket });
        return;
      case 'end':
        this.advance({ type: 'ending' });
    }
  }

  /** A factory sends its requests from the worker that runs it. */
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
      // Each request is answered once, and only while its worker lives.
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

it('a shared fixture has one maker at a time, and each request is answered exactly once', () => {
  const anyPlay = fc.property(steps, (all) => {
    const play = new Play();
    for (const step of all) play.do(step);
    // Factories finish one after the other: one that waits for another finishes later, and no two wait for
    // each other.
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

it('factories never wait for each other', () => {
  const anyPlay = fc.property(steps, (all) => {
    const play = new Play();
    for (const step of all) play.do(step);
    const waitsFor = new Map<string, Set<string>>();
    for (const [name, fixture] of play.state.fixtures) {
      if (fixture.phase === 'ready') continue;
      const requesters = [...fixture.waiters, ...(fixture.phase === 'making' ? [fixture.maker] : [])];
      for (const { within } of requesters)
        if (within !== undefined) waitsFor.set(within, (waitsFor.get(within) ?? new Set()).add(name));
    }
    const reaches = (from: string, to: string, depth: number): boolean =>
      depth > 0 &&
      [...(waitsFor.get(from) ?? [])].some((next) => next === to || reaches(next, to, depth - 1));
    for (const name of names) expect(reaches(name, name, names.length)).toBe(false);
  });
  fc.assert(anyPlay, { numRuns: 500 });
});
