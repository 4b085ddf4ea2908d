import type { SharedTurn } from '../session/run-client';
import type { SerializedError } from '../wire/serialize-error';

/** A request for a shared fixture. `ticket` identifies the pending reply. */
interface SharedRequester {
  readonly ticket: number;
  /** The worker that sent it; `''` for the run's own process. */
  readonly worker: string;
  /** The shared fixture whose factory sent it. */
  readonly within?: string | undefined;
}

/**
 * A shared fixture. `making`: the first requester makes it. `clearing`: the maker failed or died, and its
 * resources are being removed; then the first waiter makes it. `ready`: its value is known.
 */
type SharedFixture =
  | {
      readonly phase: 'making';
      readonly maker: SharedRequester;
      readonly waiters: readonly SharedRequester[];
    }
  | { readonly phase: 'clearing'; readonly waiters: readonly SharedRequester[] }
  | { readonly phase: 'ready'; readonly json: string };

/** All shared fixtures of a run. */
export interface SharedState {
  readonly fixtures: ReadonlyMap<string, SharedFixture>;
  /** The names of the fixtures that are ready, in the order in which they were made. */
  readonly made: readonly string[];
  readonly isEnding: boolean;
}

/** An event for {@link advanceShared}. */
export type SharedEvent =
  | { readonly type: 'asked'; readonly name: string; readonly requester: SharedRequester }
  | {
      readonly type: 'settled';
      readonly name: string;
      readonly worker: string;
      readonly made: { readonly json: string } | { readonly error: SerializedError };
    }
  /** The resources of an unfinished fixture are removed. */
  | { readonly type: 'cleared'; readonly name: string }
  | { readonly type: 'timed-out'; readonly ticket: number }
  | { readonly type: 'worker-ended'; readonly worker: string }
  | { readonly type: 'ending' };

/** The reason why a request for a fixture is refused. */
export type SharedRefusal =
  | { readonly type: 'failed'; readonly error: SerializedError }
  /** `path` leads from the requested fixture, through the fixtures that wait for each other, back to it. */
  | { readonly type: 'cycle'; readonly path: readonly string[] }
  | { readonly type: 'timed-out'; readonly name: string }
  | { readonly type: 'ending'; readonly name: string };

/** An action that follows from an event. */
export type SharedAction =
  | { readonly type: 'answer'; readonly ticket: number; readonly turn: SharedTurn }
  | { readonly type: 'refuse'; readonly ticket: number; readonly reason: SharedRefusal }
  | { readonly type: 'clear'; readonly name: string };

interface SharedStep {
  readonly state: SharedState;
  readonly actions: readonly SharedAction[];
}

/** The state of a run without shared fixtures. */
export const initialSharedState: SharedState = { fixtures: new Map(), made: [], isEnding: false };

/**
 * Returns the state after `event`, and the actions to take, in order. Ignores unknown names, workers and
 * tickets.
 */
export function advanceShared(state: SharedState, event: SharedEvent): SharedStep {
  switch (event.type) {
    case 'asked':
      return ask(state, event.name, event.requester);
    case 'settled':
      return settle(state, event);
    case 'cleared':
      return continueAfterClear(state, event.name);
    case 'timed-out':
      return refuseWaiters(state, 'timed-out', ({ ticket }) => ticket === event.ticket);
    case 'worker-ended':
      return forgetWorker(state, event.worker);
    case 'ending':
      return refuseWaiters({ ...state, isEnding: true }, 'ending', () => true);
  }
}

function ask(state: SharedState, name: string, requester: SharedRequester): SharedStep {
  const refuse = (reason: SharedRefusal): SharedStep => ({
    state,
    actions: [{ type: 'refuse', ticket: requester.ticket, reason }],
  });
  if (state.isEnding) return refuse({ type: 'ending', name });
  const fixture = state.fixtures.get(name);
  if (fixture?.phase === 'ready') return { state, actions: [answerReady(requester, fixture.json)] };
  const path = requester.within === undefined ? undefined : findPath(state, name, requester.within);
  if (path !== undefined) return refuse({ type: 'cycle', path: [...path, name] });
  if (fixture === undefined) return make(state, name, requester, []);
  return stay(withFixture(state, name, { ...fixture, waiters: [...fixture.waiters, requester] }));
}

/** Returns the chain of fixtures through which `from` waits for `to`; `undefined` when it does not. */
function findPath(
  state: SharedState,
  from: string,
  to: string,
  before: readonly string[] = [],
): readonly string[] | undefined {
  if (from === to) return [...before, to];
  if (before.includes(from)) return undefined;
  for (const [name, fixture] of state.fixtures) {
    if (!requestersOf(fixture).some(({ within }) => within === from)) continue;
    const path = findPath(state, name, to, [...before, from]);
    if (path !== undefined) return path;
  }
  return undefined;
}

function requestersOf(fixture: SharedFixture): readonly SharedRequester[] {
  switch (fixture.phase) {
    case 'making':
      return [fixture.maker, ...fixture.waiters];
    case 'clearing':
      return fixture.waiters;
    case 'ready':
      return [];
  }
}

function settle(state: SharedState, event: Extract<SharedEvent, { type: 'settled' }>): SharedStep {
  const { name, worker, made } = event;
  const fixture = state.fixtures.get(name);
  if (fixture?.phase !== 'making' || fixture.maker.worker !== worker) return stay(state);
  if ('json' in made) {
    return {
      state: {
        ...withFixture(state, name, { phase: 'ready', json: made.json }),
        made: [...state.made, name],
      },
      actions: fixture.waiters.map((waiter) => answerReady(waiter, made.json)),
    };
  }
  return {
    state: withFixture(state, name, { phase: 'clearing', waiters: [] }),
    actions: [
      ...fixture.waiters.map(({ ticket }): SharedAction => {
        return { type: 'refuse', ticket, reason: { type: 'failed', error: made.error } };
      }),
      { type: 'clear', name },
    ],
  };
}

function continueAfterClear(state: SharedState, name: string): SharedStep {
  const fixture = state.fixtures.get(name);
  if (fixture?.phase !== 'clearing') return stay(state);
  const [next, ...waiters] = fixture.waiters;
  return next === undefined ? stay(withoutFixture(state, name)) : make(state, name, next, waiters);
}

function make(
  state: SharedState,
  name: string,
  maker: SharedRequester,
  waiters: readonly SharedRequester[],
): SharedStep {
  return {
    state: withFixture(state, name, { phase: 'making', maker, waiters }),
    actions: [{ type: 'answer', ticket: maker.ticket, turn: { type: 'make' } }],
  };
}

function refuseWaiters(
  state: SharedState,
  type: 'timed-out' | 'ending',
  isRefused: (waiter: SharedRequester) => boolean,
): SharedStep {
  let next = state;
  const actions: SharedAction[] = [];
  for (const [name, fixture] of state.fixtures) {
    if (fixture.phase === 'ready') continue;
    const waiters = fixture.waiters.filter((waiter) => !isRefused(waiter));
    next = withFixture(next, name, { ...fixture, waiters });
    for (const { ticket } of fixture.waiters.filter(isRefused))
      actions.push({ type: 'refuse', ticket, reason: { type, name } });
  }
  return { state: next, actions };
}

function forgetWorker(state: SharedState, worker: string): SharedStep {
  let next = state;
  const actions: SharedAction[] = [];
  for (const [name, fixture] of state.fixtures) {
    if (fixture.phase === 'ready') continue;
    const waiters = fixture.waiters.filter((waiter) => waiter.worker !== worker);
    const isMaker = fixture.phase === 'making' && fixture.maker.worker === worker;
    next = withFixture(next, name, isMaker ? { phase: 'clearing', waiters } : { ...fixture, waiters });
    if (isMaker) actions.push({ type: 'clear', name });
  }
  return { state: next, actions };
}

function answerReady({ ticket }: SharedRequester, json: string): SharedAction {
  return { type: 'answer', ticket, turn: { type: 'there', json } };
}

function stay(state: SharedState): SharedStep {
  return { state, actions: [] };
}

function withFixture(state: SharedState, name: string, fixture: SharedFixture): SharedState {
  return { ...state, fixtures: new Map(state.fixtures).set(name, fixture) };
}

function withoutFixture(state: SharedState, name: string): SharedState {
  const fixtures = new Map(state.fixtures);
  fixtures.delete(name);
  return { ...state, fixtures };
}
