/** How a reaper is run. */
export type ReaperMode = 'attached' | 'host' | 'stand-alone' | 'standing';

/** What the end of a reaper depends on. */
export interface LifecycleState {
  readonly mode: ReaperMode;
  readonly startedAtMs: number;
  /** When the last thing happened: somebody came or left, a reaping ended. */
  readonly activeAtMs: number;
  readonly hadLease: boolean;
  readonly leases: number;
  /** Claims that nobody holds: still waited for, and being reaped. */
  readonly lapsing: number;
  readonly reaping: number;
  /** Claims that were reaped, and are looked for again. */
  readonly watched: number;
  /** The one way in has ended: nobody can come any more. */
  readonly isInputOver: boolean;
  /** Since when nobody new is served; `undefined`: everybody is. */
  readonly drainingSinceMs: number | undefined;
}

export interface LifecycleLimits {
  readonly connectionTimeoutMs: number;
  readonly shutdownTimeoutMs: number;
}

export type LifecycleStep =
  /** `lookAgainAtMs`: when time alone would change the answer. */
  | { readonly type: 'stay'; readonly lookAgainAtMs?: number | undefined }
  /** Nobody can come back any more: what lapses is due. */
  | { readonly type: 'end-grace' }
  /** Those that are still there were waited for long enough: as if they had left. */
  | { readonly type: 'end-leases' }
  /** Those that are there take their leases to another reaper: nothing of theirs is reaped here. */
  | { readonly type: 'let-go' }
  | { readonly type: 'exit'; readonly why: string };

/** How long a host process waits for somebody to come back, and for the one that started it. */
const hostIdleMs = 2_000;
const hostFirstIdleMs = 10_000;

/** Whether the reaper goes on, given `facts` at `nowMs`. @see moby-ryuk, pruneWait */
export function nextLifecycleStep(
  facts: LifecycleState,
  limits: LifecycleLimits,
  nowMs: number,
): LifecycleStep {
  const { mode, leases, lapsing, reaping, watched, drainingSinceMs, hadLease } = facts;
  if (drainingSinceMs !== undefined) {
    if (leases > 0) {
      // Castoff's own clients start another reaper as soon as their connection ends.
      if (mode === 'host') return { type: 'let-go' };
      const limitMs = drainingSinceMs + limits.shutdownTimeoutMs;
      return nowMs >= limitMs ? { type: 'end-leases' } : { type: 'stay', lookAgainAtMs: limitMs };
    }
    if (lapsing > 0) return { type: 'end-grace' };
    return reaping > 0 ? { type: 'stay' } : { type: 'exit', why: 'asked to end, and nobody is left' };
  }
  if (leases > 0 || lapsing > 0 || reaping > 0 || watched > 0) return { type: 'stay' };
  switch (mode) {
    case 'standing':
      return { type: 'stay' };
    case 'attached':
      // Its grace runs all the same: a client that lost the connection, and lives, may be starting another reaper.
      return facts.isInputOver ? { type: 'exit', why: 'its input has ended' } : { type: 'stay' };
    case 'stand-alone':
      if (hadLease) return { type: 'exit', why: 'the last client has gone' };
      return exitAt(facts.startedAtMs + limits.connectionTimeoutMs, nowMs, 'no client came');
    case 'host':
      return hadLease
        ? exitAt(facts.activeAtMs + hostIdleMs, nowMs, 'the last client has gone')
        : exitAt(
            Math.max(facts.startedAtMs + hostFirstIdleMs, facts.activeAtMs + hostIdleMs),
            nowMs,
            'no client came',
          );
  }
}

function exitAt(atMs: number, nowMs: number, why: string): LifecycleStep {
  return nowMs >= atMs ? { type: 'exit', why } : { type: 'stay', lookAgainAtMs: atMs };
}
