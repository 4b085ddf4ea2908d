import type { SharedTurn } from '../session/run-client';
import type { SerializedError } from '../wire/serialize-error';

/** Somebody who asked for a shared thing, and under which number the answer is awaited. */
export interface SharedRequester {
  readonly ticket: number;
  /** `''`: the run's own process. */
  readonly worker: string;
  /** The shared thing whose factory asks. */
  readonly within?: string | undefined;
}

/**
 * One shared thing. `making`: whoever came first has been told to. `clearing`: what a maker that failed or died has half made is
 * being removed; then the first of those who wait makes it. `there`: made.
 */
export type SharedFixture =
  | {
      readonly phase: 'making';
      readonly maker: SharedRequester;
      readonly waiters: readonly SharedRequester[];
    }
  | { readonly phase: 'clearing'; readonly waiters: readonly SharedRequester[] }
  | { readonly phase: 'there'; readonly json: string };

export interface SharedState {
  readonly things: ReadonlyMap<string, SharedFixture>;
  /** What is there, in the order in which it came to be. */
  readonly made: readonly string[];
  readonly isEnding: boolean;
}

export type SharedEvent =
  | { readonly type: 'asked'; readonly name: string; readonly asker: SharedRequester }
  | {
      readonly type: 'settled';
      readonly name: string;
      readonly worker: string;
      readonly made: { readonly json: string } | { readonly error: SerializedError };
    }
  /** What was half made under that name is gone. */
  | { readonly type: 'cleared'; readonly name: string }
  | { readonly type: 'time-ran-out'; readonly ticket: number }
  | { readonly type: 'worker-gone'; readonly worker: string }
  | { readonly type: 'ending' };

export type SharedRefusal =
  | { readonly type: 'failed'; readonly error: SerializedError }
  /** From the thing that is asked for, along who waits for whom, back to it. */
  | { readonly type: 'cycle'; readonly path: readonly string[] }
  | { readonly type: 'time-ran-out'; readonly name: string }
  | { readonly type: 'ending'; readonly name: string };

export type SharedAction =
  | { readonly type: 'answer'; readonly ticket: number; readonly turn: SharedTurn }
  | { readonly type: 'refuse'; readonly ticket: number; readonly why: SharedRefusal }
  | { readonly type: 'clear'; readonly name: string };

export interface SharedStep {
  readonly state: SharedState;
  readonly actions: readonly SharedAction[];
}

export const nothingShared: SharedState = { things: new Map(), made: [], isEnding: false };

/** The state after `event`, and what is to be done because of it, in order. What is not known changes nothing. */
export function advanceShared(state: SharedState, event: SharedEvent): SharedStep {
  switch (event.type) {
    case 'asked':
      return ask(state, event.name, event.asker);
    case 'settled':
      return settle(state, event);
    case 'cleared':
      return goOn(state, event.name);
    case 'time-ran-out':
      return giveUp(state, event.ticket);
    case 'worker-gone':
      return forget(state, event.worker);
    case 'ending':
      return end(state);
  }
}

function ask(state: SharedState, name: string, asker: SharedRequester): SharedStep {
  const refuse = (why: SharedRefusal): SharedStep => ({
    state,
    actions: [{ type: 'refuse', ticket: asker.ticket, why }],
  });
  if (state.isEnding) return refuse({ type: 'ending', name });
  const thing = state.things.get(name);
  if (thing?.phase === 'there') return { state, actions: [answerThere(asker, thing.json)] };
  const path = asker.within === undefined ? undefined : findPath(state, name, asker.within);
  if (path !== undefined) return refuse({ type: 'cycle', path: [...path, name] });
  if (thing === undefined) return make(state, name, asker, []);
  return { state: withThing(state, name, { ...thing, waiters: [...thing.waiters, asker] }), actions: [] };
}

/** Whom `from` waits for, one after the other, as far as `to`; `undefined`: it does not wait for that. */
function findPath(
  state: SharedState,
  from: string,
  to: string,
  before: readonly string[] = [],
): readonly string[] | undefined {
  if (from === to) return [...before, to];
  if (before.includes(from)) return undefined;
  for (const [name, thing] of state.things) {
    if (!askersOf(thing).some(({ within }) => within === from)) continue;
    const path = findPath(state, name, to, [...before, from]);
    if (path !== undefined) return path;
  }
  return undefined;
}

function askersOf(thing: SharedFixture): readonly SharedRequester[] {
  switch (thing.phase) {
    case 'making':
      return [thing.maker, ...thing.waiters];
    case 'clearing':
      return thing.waiters;
    case 'there':
      return [];
  }
}

function settle(state: SharedState, event: Extract<SharedEvent, { type: 'settled' }>): SharedStep {
  const { name, worker, made } = event;
  const thing = state.things.get(name);
  if (thing?.phase !== 'making' || thing.maker.worker !== worker) return stay(state);
  if ('json' in made) {
    return {
      state: { ...withThing(state, name, { phase: 'there', json: made.json }), made: [...state.made, name] },
      actions: thing.waiters.map((waiter) => answerThere(waiter, made.json)),
    };
  }
  return {
    state: withThing(state, name, { phase: 'clearing', waiters: [] }),
    actions: [
      ...thing.waiters.map(({ ticket }): SharedAction => {
        return { type: 'refuse', ticket, why: { type: 'failed', error: made.error } };
      }),
      { type: 'clear', name },
    ],
  };
}

function goOn(state: SharedState, name: string): SharedStep {
  const thing = state.things.get(name);
  if (thing?.phase !== 'clearing') return stay(state);
  const [next, ...waiters] = thing.waiters;
  return next === undefined ? stay(withoutThing(state, name)) : make(state, name, next, waiters);
}

function make(
  state: SharedState,
  name: string,
  maker: SharedRequester,
  waiters: readonly SharedRequester[],
): SharedStep {
  return {
    state: withThing(state, name, { phase: 'making', maker, waiters }),
    actions: [{ type: 'answer', ticket: maker.ticket, turn: { type: 'make' } }],
  };
}

function giveUp(state: SharedState, ticket: number): SharedStep {
  for (const [name, thing] of state.things) {
    if (thing.phase === 'there' || !thing.waiters.some((waiter) => waiter.ticket === ticket)) continue;
    const waiters = thing.waiters.filter((waiter) => waiter.ticket !== ticket);
    return {
      state: withThing(state, name, { ...thing, waiters }),
      actions: [{ type: 'refuse', ticket, why: { type: 'time-ran-out', name } }],
    };
  }
  return stay(state);
}

function forget(state: SharedState, worker: string): SharedStep {
  let next = state;
  const actions: SharedAction[] = [];
  for (const [name, thing] of state.things) {
    if (thing.phase === 'there') continue;
    const waiters = thing.waiters.filter((waiter) => waiter.worker !== worker);
    const isMaker = thing.phase === 'making' && thing.maker.worker === worker;
    next = withThing(next, name, isMaker ? { phase: 'clearing', waiters } : { ...thing, waiters });
    if (isMaker) actions.push({ type: 'clear', name });
  }
  return { state: next, actions };
}

function end(state: SharedState): SharedStep {
  let next = state;
  const actions: SharedAction[] = [];
  for (const [name, thing] of state.things) {
    if (thing.phase === 'there') continue;
    next = withThing(next, name, { ...thing, waiters: [] });
    for (const { ticket } of thing.waiters)
      actions.push({ type: 'refuse', ticket, why: { type: 'ending', name } });
  }
  return { state: { ...next, isEnding: true }, actions };
}

function answerThere({ ticket }: SharedRequester, json: string): SharedAction {
  return { type: 'answer', ticket, turn: { type: 'there', json } };
}

function stay(state: SharedState): SharedStep {
  return { state, actions: [] };
}

function withThing(state: SharedState, name: string, thing: SharedFixture): SharedState {
  return { ...state, things: new Map(state.things).set(name, thing) };
}

function withoutThing(state: SharedState, name: string): SharedState {
  const things = new Map(state.things);
  things.delete(name);
  return { ...state, things };
}
