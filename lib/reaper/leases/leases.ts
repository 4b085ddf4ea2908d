import type { Claim } from './claim';
import { SharedMap } from './shared-map';

/**
 * Who owns what, as plain data. A claim lives while any lease holds it. When its last lease has gone, and the grace is over,
 * what it covers is reaped, whatever other leases live; who claims it again in time keeps it.
 */
export interface LeaseState {
  readonly leases: SharedMap<Lease>;
  /** How many claims all leases have together. */
  readonly held: number;
  /** The claims, by key, that no lease holds any more and that are not done with. */
  readonly ending: SharedMap<EndingClaim>;
  /** The number of the next reaping: tells one of a claim from an earlier one of the same claim. */
  readonly nextRun: number;
}

export interface Lease {
  readonly id: string;
  /** For people: the owner that said hello, or where it connected from. */
  readonly holder: string;
  readonly sinceMs: number;
  /** By key. */
  readonly claims: SharedMap<Claim>;
}

export type EndingClaim = {
  readonly claim: Claim;
  readonly lastHolder: string;
  /** When its last lease ended. */
  readonly sinceMs: number;
  /** The pauses, in milliseconds, before it is looked for again once it was reaped. */
  readonly latePausesMs: readonly number[];
} & (
  | { readonly phase: 'lapsing' | 'watched'; readonly dueMs: number }
  | { readonly phase: 'reaping'; readonly run: number }
);

export type LeaseEvent =
  | { readonly type: 'opened'; readonly lease: string; readonly holder: string; readonly atMs: number }
  | { readonly type: 'claimed'; readonly lease: string; readonly claim: Claim }
  /** Given up without reaping: what it covers is to be kept. */
  | { readonly type: 'released'; readonly lease: string; readonly key: string }
  /** The connection has ended; `graceMs` is how long its return is waited for: 0 after a bye. */
  | {
      readonly type: 'closed';
      readonly lease: string;
      readonly graceMs: number;
      /** Default: none. */
      readonly latePausesMs?: readonly number[] | undefined;
      readonly atMs: number;
    }
  | { readonly type: 'time-passed'; readonly atMs: number }
  /** Nobody is waited for any more: everything that lapses is due. */
  | { readonly type: 'grace-ended' }
  | {
      readonly type: 'reaped';
      readonly key: string;
      readonly run: number;
      /** Whether another reaper has taken it over. */
      readonly isGivenUp?: boolean | undefined;
      readonly atMs: number;
    };

export type LeaseAction =
  | {
      readonly type: 'reap';
      readonly claim: Claim;
      readonly lastHolder: string;
      /** When its last lease ended. */
      readonly sinceMs: number;
      /** Whether it was reaped before. */
      readonly isLate: boolean;
      readonly run: number;
    }
  /** Somebody claims again what is being reaped: what they create from now on is to stay. */
  | { readonly type: 'stop-reaping'; readonly key: string; readonly run: number };

export interface LeaseStep {
  readonly state: LeaseState;
  readonly actions: readonly LeaseAction[];
}

export const noLeases: LeaseState = {
  leases: SharedMap.empty(),
  held: 0,
  ending: SharedMap.empty(),
  nextRun: 1,
};

/** The state after `event`, and what is to be done because of it. What a lease that is unknown asks for changes nothing. */
export function advanceLeases(state: LeaseState, event: LeaseEvent): LeaseStep {
  switch (event.type) {
    case 'opened':
      return open(state, event);
    case 'claimed':
      return claim(state, event.lease, event.claim);
    case 'released':
      return release(state, event.lease, event.key);
    case 'closed':
      return close(state, event);
    case 'time-passed':
      return reapDue(state, event.atMs);
    case 'grace-ended':
      return reapDue(state, Number.POSITIVE_INFINITY);
    case 'reaped':
      return stay(finishReaping(state, event));
  }
}

/** When the next claim lapses, in the time of the events; `undefined`: none does. */
export function nextDueMs(state: LeaseState): number | undefined {
  let dueMs: number | undefined;
  for (const known of state.ending.values())
    if (known.phase !== 'reaping') dueMs = Math.min(dueMs ?? known.dueMs, known.dueMs);
  return dueMs;
}

/** How many claims that no lease holds are in each phase. */
export function countPhases(state: LeaseState): Record<EndingClaim['phase'], number> {
  const count = { lapsing: 0, reaping: 0, watched: 0 };
  for (const { phase } of state.ending.values()) count[phase] += 1;
  return count;
}

/** How many claims there are, counted once for each lease that holds them. */
export function countClaims(state: LeaseState): number {
  return state.held + state.ending.size;
}

function stay(state: LeaseState): LeaseStep {
  return { state, actions: [] };
}

function open(state: LeaseState, event: Extract<LeaseEvent, { type: 'opened' }>): LeaseStep {
  const claims = state.leases.get(event.lease)?.claims ?? SharedMap.empty<Claim>();
  const lease: Lease = { id: event.lease, holder: event.holder, sinceMs: event.atMs, claims };
  return stay({ ...state, leases: state.leases.with(event.lease, lease) });
}

function claim(state: LeaseState, id: string, wanted: Claim): LeaseStep {
  const lease = state.leases.get(id);
  if (lease === undefined || lease.claims.has(wanted.key)) return stay(state);
  const held = withClaims(state, lease, lease.claims.with(wanted.key, wanted));
  const ending = state.ending.get(wanted.key);
  if (ending === undefined) return stay(held);
  return {
    state: { ...held, ending: state.ending.without(wanted.key) },
    actions: ending.phase === 'reaping' ? [{ type: 'stop-reaping', key: wanted.key, run: ending.run }] : [],
  };
}

function release(state: LeaseState, id: string, key: string): LeaseStep {
  const lease = state.leases.get(id);
  if (lease === undefined) return stay(state);
  return stay(withClaims(state, lease, lease.claims.without(key)));
}

function close(state: LeaseState, event: Extract<LeaseEvent, { type: 'closed' }>): LeaseStep {
  const lease = state.leases.get(event.lease);
  if (lease === undefined) return stay(state);
  const leases = state.leases.without(event.lease);
  let { ending } = state;
  const others = [...leases.values()];
  for (const [key, known] of lease.claims.entries()) {
    if (others.some((other) => other.claims.has(key))) continue;
    ending = ending.with(key, {
      claim: known,
      lastHolder: lease.holder,
      sinceMs: event.atMs,
      latePausesMs: event.latePausesMs ?? [],
      phase: 'lapsing',
      dueMs: event.atMs + event.graceMs,
    });
  }
  return reapDue({ ...state, leases, held: state.held - lease.claims.size, ending }, event.atMs);
}

function reapDue(state: LeaseState, atMs: number): LeaseStep {
  let { ending } = state;
  const actions: LeaseAction[] = [];
  let { nextRun } = state;
  for (const [key, known] of state.ending.entries()) {
    if (known.phase === 'reaping' || known.dueMs > atMs) continue;
    const { claim: lapsed, lastHolder, sinceMs, latePausesMs } = known;
    const isLate = known.phase === 'watched';
    const run = nextRun;
    nextRun += 1;
    ending = ending.with(key, { claim: lapsed, lastHolder, sinceMs, latePausesMs, phase: 'reaping', run });
    actions.push({ type: 'reap', claim: lapsed, lastHolder, sinceMs, isLate, run });
  }
  return actions.length === 0 ? stay(state) : { state: { ...state, ending, nextRun }, actions };
}

/** One client's mistake must not keep a reaper busy: a session has a handful of claims. */
const mostWatched = 100;

/** A create that was under way when its client died may end later than the reaping: the claim is watched for a while. */
function finishReaping(state: LeaseState, event: Extract<LeaseEvent, { type: 'reaped' }>): LeaseState {
  const known = state.ending.get(event.key);
  if (known?.phase !== 'reaping' || known.run !== event.run) return state;
  const { claim: reaped, lastHolder, sinceMs, latePausesMs } = known;
  const [pauseMs, ...later] = latePausesMs;
  const isOver = pauseMs === undefined || event.isGivenUp === true;
  if (isOver || countPhases(state).watched >= mostWatched)
    return { ...state, ending: state.ending.without(event.key) };
  const dueMs = event.atMs + pauseMs;
  const watched = {
    claim: reaped,
    lastHolder,
    sinceMs,
    latePausesMs: later,
    phase: 'watched',
    dueMs,
  } as const;
  return { ...state, ending: state.ending.with(event.key, watched) };
}

function withClaims(state: LeaseState, lease: Lease, claims: Lease['claims']): LeaseState {
  const held = state.held + claims.size - lease.claims.size;
  return { ...state, held, leases: state.leases.with(lease.id, { ...lease, claims }) };
}
