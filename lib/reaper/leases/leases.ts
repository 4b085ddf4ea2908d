import type { Claim } from './claim';
import { SharedMap } from './shared-map';

/**
 * Leases and their claims, as plain data. A claim is kept while any lease holds it. When its last lease ends
 * and the grace period expires, the resources it covers are reaped, whichever other leases are open. A client
 * that claims it again in time keeps them.
 */
export interface LeaseState {
  readonly leases: SharedMap<Lease>;
  /** Number of claims, counted once per lease that holds them. */
  readonly held: number;
  /** By key: claims that no lease holds and that are not yet finished. */
  readonly orphaned: SharedMap<OrphanedClaim>;
  /** Number of the next reaping. Distinguishes two reapings of the same claim. */
  readonly nextRun: number;
}

/** An open connection of a client, and its claims. */
export interface Lease {
  readonly id: string;
  /** For logs: the owner from its hello, or the address it connected from. */
  readonly holder: string;
  readonly sinceMs: number;
  /** By key. */
  readonly claims: SharedMap<Claim>;
}

/** A claim that no lease holds. */
export type OrphanedClaim = {
  readonly claim: Claim;
  readonly lastHolder: string;
  /** When its last lease ended. */
  readonly sinceMs: number;
  /** Pauses, in milliseconds, before the claim is listed again after it was reaped. */
  readonly latePausesMs: readonly number[];
} & (
  | { readonly phase: 'grace-period' | 'watched'; readonly expiresAtMs: number }
  | { readonly phase: 'reaping'; readonly run: number }
);

/** Times are in milliseconds, on one clock. */
export type LeaseEvent =
  | { readonly type: 'opened'; readonly lease: string; readonly holder: string; readonly atMs: number }
  | { readonly type: 'claimed'; readonly lease: string; readonly claim: Claim }
  /** Given up by its lease: its resources are kept. */
  | { readonly type: 'released'; readonly lease: string; readonly key: string }
  /** The connection ended. `graceMs`: how long to wait for the client to return; 0 after `bye`. */
  | {
      readonly type: 'closed';
      readonly lease: string;
      readonly graceMs: number;
      /** Default: none. */
      readonly latePausesMs?: readonly number[] | undefined;
      readonly atMs: number;
    }
  | { readonly type: 'time-passed'; readonly atMs: number }
  /** No client can return: every grace period expires now. */
  | { readonly type: 'grace-ended' }
  | {
      readonly type: 'reaped';
      readonly key: string;
      readonly run: number;
      /** Whether another reaper has taken over the claim. */
      readonly isSkipped?: boolean | undefined;
      readonly atMs: number;
    };

/** What to do after an event. */
export type LeaseAction =
  | {
      readonly type: 'reap';
      readonly claim: Claim;
      readonly lastHolder: string;
      /** When its last lease ended. */
      readonly sinceMs: number;
      /** Whether the claim was reaped before and is listed again. */
      readonly isLate: boolean;
      readonly run: number;
    }
  /** The claim is held again during its reaping: resources created from now on are kept. */
  | { readonly type: 'stop-reaping'; readonly key: string; readonly run: number };

/** The result of one event. */
export interface LeaseStep {
  readonly state: LeaseState;
  readonly actions: readonly LeaseAction[];
}

/** The initial state. */
export const noLeases: LeaseState = {
  leases: SharedMap.empty(),
  held: 0,
  orphaned: SharedMap.empty(),
  nextRun: 1,
};

/** Returns the state after `event` and the resulting actions. Events of an unknown lease change nothing. */
export function advanceLeases(state: LeaseState, event: LeaseEvent): LeaseStep {
  switch (event.type) {
    case 'opened':
      return open(state, event);
    case 'claimed':
      return addClaim(state, event.lease, event.claim);
    case 'released':
      return release(state, event.lease, event.key);
    case 'closed':
      return close(state, event);
    case 'time-passed':
      return reapExpired(state, event.atMs);
    case 'grace-ended':
      return reapExpired(state, Number.POSITIVE_INFINITY);
    case 'reaped':
      return stay(finishReaping(state, event));
  }
}

/**
 * When the next grace period or watch pause expires, on the clock of the events; `undefined` if none does.
 */
export function nextExpiryMs(state: LeaseState): number | undefined {
  let expiresAtMs: number | undefined;
  for (const orphan of state.orphaned.values())
    if (orphan.phase !== 'reaping')
      expiresAtMs = Math.min(expiresAtMs ?? orphan.expiresAtMs, orphan.expiresAtMs);
  return expiresAtMs;
}

/** Counts orphaned claims by phase. */
export function countPhases(state: LeaseState): Record<OrphanedClaim['phase'], number> {
  const count = { 'grace-period': 0, reaping: 0, watched: 0 };
  for (const { phase } of state.orphaned.values()) count[phase] += 1;
  return count;
}

/** Counts all claims: held ones once per lease, and orphaned ones. */
export function countClaims(state: LeaseState): number {
  return state.held + state.orphaned.size;
}

function stay(state: LeaseState): LeaseStep {
  return { state, actions: [] };
}

function open(state: LeaseState, event: Extract<LeaseEvent, { type: 'opened' }>): LeaseStep {
  const claims = state.leases.get(event.lease)?.claims ?? SharedMap.empty<Claim>();
  const lease: Lease = { id: event.lease, holder: event.holder, sinceMs: event.atMs, claims };
  return stay({ ...state, leases: state.leases.with(event.lease, lease) });
}

function addClaim(state: LeaseState, id: string, claim: Claim): LeaseStep {
  const lease = state.leases.get(id);
  if (lease === undefined || lease.claims.has(claim.key)) return stay(state);
  const held = withClaims(state, lease, lease.claims.with(claim.key, claim));
  const orphan = state.orphaned.get(claim.key);
  if (orphan === undefined) return stay(held);
  return {
    state: { ...held, orphaned: state.orphaned.without(claim.key) },
    actions: orphan.phase === 'reaping' ? [{ type: 'stop-reaping', key: claim.key, run: orphan.run }] : [],
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
  let { orphaned } = state;
  const others = [...leases.values()];
  for (const [key, claim] of lease.claims.entries()) {
    if (others.some((other) => other.claims.has(key))) continue;
    orphaned = orphaned.with(key, {
      claim,
      lastHolder: lease.holder,
      sinceMs: event.atMs,
      latePausesMs: event.latePausesMs ?? [],
      phase: 'grace-period',
      expiresAtMs: event.atMs + event.graceMs,
    });
  }
  return reapExpired({ ...state, leases, held: state.held - lease.claims.size, orphaned }, event.atMs);
}

function reapExpired(state: LeaseState, atMs: number): LeaseStep {
  let { orphaned, nextRun } = state;
  const actions: LeaseAction[] = [];
  for (const [key, orphan] of state.orphaned.entries()) {
    if (orphan.phase === 'reaping' || orphan.expiresAtMs > atMs) continue;
    const { claim, lastHolder, sinceMs, latePausesMs } = orphan;
    const isLate = orphan.phase === 'watched';
    const run = nextRun;
    nextRun += 1;
    orphaned = orphaned.with(key, { claim, lastHolder, sinceMs, latePausesMs, phase: 'reaping', run });
    actions.push({ type: 'reap', claim, lastHolder, sinceMs, isLate, run });
  }
  return actions.length === 0 ? stay(state) : { state: { ...state, orphaned, nextRun }, actions };
}

/** A session has a handful of claims; a client with far more must not keep the reaper busy. */
const maxWatched = 100;

/**
 * A create request that was in flight when its client died may finish after the reaping, so the claim is
 * watched for a while.
 */
function finishReaping(state: LeaseState, event: Extract<LeaseEvent, { type: 'reaped' }>): LeaseState {
  const orphan = state.orphaned.get(event.key);
  if (orphan?.phase !== 'reaping' || orphan.run !== event.run) return state;
  const { claim, lastHolder, sinceMs } = orphan;
  const [pauseMs, ...latePausesMs] = orphan.latePausesMs;
  const isFinished = pauseMs === undefined || event.isSkipped === true;
  if (isFinished || countPhases(state).watched >= maxWatched)
    return { ...state, orphaned: state.orphaned.without(event.key) };
  const expiresAtMs = event.atMs + pauseMs;
  const watched = { claim, lastHolder, sinceMs, latePausesMs, phase: 'watched', expiresAtMs } as const;
  return { ...state, orphaned: state.orphaned.with(event.key, watched) };
}

function withClaims(state: LeaseState, lease: Lease, claims: Lease['claims']): LeaseState {
  const held = state.held + claims.size - lease.claims.size;
  return { ...state, held, leases: state.leases.with(lease.id, { ...lease, claims }) };
}
