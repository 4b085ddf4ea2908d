import type { ReaperMode } from './reaper-mode';

/** Everything that decides when a reaper shuts down. Times are in milliseconds, on one clock. */
export interface LifecycleState {
  readonly mode: ReaperMode;
  readonly startedAtMs: number;
  /** Time of the last event: a client connected or left, a reaping finished. */
  readonly activeAtMs: number;
  readonly hadLease: boolean;
  /** Number of open leases. */
  readonly leases: number;
  /** Number of orphaned claims whose client may still return. */
  readonly inGracePeriod: number;
  readonly reaping: number;
  /** Number of claims that were reaped and are listed again later. */
  readonly watched: number;
  /** The only listener has ended: no client can connect. */
  readonly isInputOver: boolean;
  /** Since when no new client is accepted; `undefined`: clients are accepted. */
  readonly drainingSinceMs: number | undefined;
}

/** How long to wait, in milliseconds: for the first client, and for connected ones after SIGTERM. */
export interface LifecycleLimits {
  readonly connectionTimeoutMs: number;
  readonly shutdownTimeoutMs: number;
}

type LifecycleStep =
  /** `recheckAtMs`: when the passing of time alone changes the decision. */
  | { readonly type: 'stay'; readonly recheckAtMs?: number | undefined }
  /** No client can return: all grace periods expire now. */
  | { readonly type: 'end-grace' }
  /** The shutdown timeout has passed: close all leases as if their clients had disconnected. */
  | { readonly type: 'end-leases' }
  /** The clients move to another reaper: release their leases and reap nothing. */
  | { readonly type: 'drop-leases' }
  | { readonly type: 'exit'; readonly why: string };

/** How long a host process waits for a client to return. */
const hostIdleMs = 2_000;
/** How long a host process waits for the client that started it. */
const hostFirstIdleMs = 10_000;

/** Decides whether the reaper goes on, given `facts` at `nowMs`. @see moby-ryuk, pruneWait */
export function nextLifecycleStep(
  facts: LifecycleState,
  limits: LifecycleLimits,
  nowMs: number,
): LifecycleStep {
  const { mode, leases, inGracePeriod, reaping, watched, drainingSinceMs, hadLease } = facts;
  if (drainingSinceMs !== undefined) {
    if (leases > 0) {
      // castoff's clients start another reaper as soon as their connection ends.
      if (mode === 'host') return { type: 'drop-leases' };
      const limitMs = drainingSinceMs + limits.shutdownTimeoutMs;
      return nowMs >= limitMs ? { type: 'end-leases' } : { type: 'stay', recheckAtMs: limitMs };
    }
    if (inGracePeriod > 0) return { type: 'end-grace' };
    return reaping > 0
      ? { type: 'stay' }
      : { type: 'exit', why: 'asked to shut down, and no client is connected' };
  }
  if (leases > 0 || inGracePeriod > 0 || reaping > 0 || watched > 0) return { type: 'stay' };
  switch (mode) {
    case 'daemon':
      return { type: 'stay' };
    case 'sidecar':
      // The grace period ran all the same: a client that lost its connection may be starting another reaper.
      return facts.isInputOver ? { type: 'exit', why: 'standard input has ended' } : { type: 'stay' };
    case 'ryuk':
      if (hadLease) return { type: 'exit', why: 'the last client has disconnected' };
      return exitAt(facts.startedAtMs + limits.connectionTimeoutMs, nowMs, 'no client connected');
    case 'host':
      return hadLease
        ? exitAt(facts.activeAtMs + hostIdleMs, nowMs, 'the last client has disconnected')
        : exitAt(
            Math.max(facts.startedAtMs + hostFirstIdleMs, facts.activeAtMs + hostIdleMs),
            nowMs,
            'no client connected',
          );
  }
}

function exitAt(atMs: number, nowMs: number, why: string): LifecycleStep {
  return nowMs >= atMs ? { type: 'exit', why } : { type: 'stay', recheckAtMs: atMs };
}
