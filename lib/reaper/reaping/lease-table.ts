import { maxTimerMs } from '../../core/durations';
import type { Claim } from '../leases/claim';
import { isWithinLimit } from '../leases/claim-limit';
import { closedEvent, type LeaseEnd } from '../leases/lease-end';
import {
  advanceLeases,
  countPhases,
  nextDueMs,
  noLeases,
  type LeaseAction,
  type LeaseEvent,
  type LeaseState,
} from '../leases/leases';
import {
  nextLifecycleStep,
  type LifecycleState,
  type LifecycleLimits,
  type ReaperMode,
} from '../leases/shutdown-policy';
import type { Observer } from './observer';
import type { ReapTotals } from './reap-totals';
import { ReapJobs, type Reap } from './reap-jobs';

export interface LeaseTableOptions {
  readonly mode: ReaperMode;
  readonly limits: LifecycleLimits;
  readonly reap: Reap;
  readonly observe: Observer;
  /** Called when those that are there are to take their leases elsewhere. */
  readonly onLetGo?: (() => void) | undefined;
}

/** How a reaper's life went, at its end. */
export interface ReaperEnd extends ReapTotals {
  readonly why: string;
}

/** What stands in it at one moment; times count from the process's start. */
export interface LeaseTableView {
  readonly state: LeaseState;
  readonly startedAtMs: number;
  readonly totals: ReapTotals;
  readonly isDraining: boolean;
}

/**
 * Owns who holds what, lets time pass, and has reaped what is due. Everything that changes a lease goes through here, one thing
 * after another; nothing in here waits, but for the reapings.
 */
export class LeaseTable {
  /** Settles when the reaper's life is over: nobody is left, and nothing is being reaped. */
  readonly ended: Promise<ReaperEnd>;
  readonly #options: LeaseTableOptions;
  readonly #reapings: ReapJobs;
  readonly #startedAtMs = performance.now();
  readonly #end: (end: ReaperEnd) => void;
  #state = noLeases;
  #activeAtMs = this.#startedAtMs;
  #openedLeases = 0;
  #isInputOver = false;
  #drainingSinceMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isLookPlanned = false;
  #hasEnded = false;

  constructor(options: LeaseTableOptions) {
    this.#options = options;
    this.#reapings = new ReapJobs(options.reap, options.observe);
    const { promise, resolve } = Promise.withResolvers<ReaperEnd>();
    this.ended = promise;
    this.#end = resolve;
    this.#lookSoon();
  }

  get isDraining(): boolean {
    return this.#drainingSinceMs !== undefined;
  }

  /** Begins a lease; its id is what the other calls take. */
  open(holder: string): string {
    this.#openedLeases += 1;
    const lease = `lease-${this.#openedLeases}`;
    this.#advance({ type: 'opened', lease, holder, atMs: performance.now() });
    this.#options.observe({ type: 'lease-opened', lease, holder });
    return lease;
  }

  /** Says who holds a lease that is open already. */
  rename(lease: string, holder: string): void {
    this.#advance({ type: 'opened', lease, holder, atMs: performance.now() });
  }

  /** Whether there was room for one more claim. */
  claim(lease: string, claim: Claim): boolean {
    const held = this.#state.leases.get(lease);
    if (held === undefined || held.claims.has(claim.key)) return true;
    if (!isWithinLimit(this.#state, held)) return false;
    this.#advance({ type: 'claimed', lease, claim });
    this.#options.observe({ type: 'claimed', lease, holder: held.holder, claim });
    return true;
  }

  /** Whether the lease held the claim that it gives up. */
  release(lease: string, claim: Claim): boolean {
    const held = this.#state.leases.get(lease);
    if (held?.claims.has(claim.key) !== true) return false;
    this.#advance({ type: 'released', lease, key: claim.key });
    this.#options.observe({ type: 'released', lease, holder: held.holder, claim });
    return true;
  }

  /** Gives up every claim of a lease: what they cover is kept. */
  releaseAll(lease: string): void {
    for (const claim of this.#state.leases.get(lease)?.claims.values() ?? []) this.release(lease, claim);
  }

  /** Ends a lease, after a bye (`isClean`) or without one: then its return is waited for `graceMs`. */
  close(lease: string, end: LeaseEnd): void {
    const held = this.#state.leases.get(lease);
    if (held === undefined) return;
    this.#options.observe({ type: 'lease-closed', lease, holder: held.holder, isClean: end.isClean });
    this.#advance(closedEvent(lease, end, performance.now()));
  }

  /** Ends a lease whose client goes to another reaper: what its claims cover is kept. */
  drop(lease: string): void {
    this.releaseAll(lease);
    this.close(lease, { graceMs: 0, isClean: true });
  }

  touch(): void {
    this.#activeAtMs = performance.now();
    this.#lookSoon();
  }

  endInput(): void {
    this.#isInputOver = true;
    this.#lookSoon();
  }

  /** Ends when those that are there have gone, or the shutdown timeout has. */
  drain(why: string): void {
    if (this.#drainingSinceMs !== undefined) return;
    this.#drainingSinceMs = performance.now();
    this.#reapings.drain();
    this.#options.observe({ type: 'draining', why, leases: this.#state.leases.size });
    this.#lookSoon();
  }

  view(): LeaseTableView {
    return {
      state: this.#state,
      startedAtMs: this.#startedAtMs,
      totals: this.#reapings.totals(),
      isDraining: this.isDraining,
    };
  }

  #advance(event: LeaseEvent): void {
    const { state, actions } = advanceLeases(this.#state, event);
    this.#state = state;
    this.#activeAtMs = performance.now();
    for (const action of actions) this.#perform(action);
    this.#lookSoon();
  }

  #perform(action: LeaseAction): void {
    if (action.type === 'stop-reaping') {
      this.#reapings.stop(action.run);
      return;
    }
    const { claim, run } = action;
    this.#reapings.start(action, ({ type }) =>
      this.#advance({
        type: 'reaped',
        key: claim.key,
        run,
        isGivenUp: type === 'stopped',
        atMs: performance.now(),
      }),
    );
  }

  // Once for all that happens in one go: a thousand clients may leave at once.
  #lookSoon(): void {
    if (this.#isLookPlanned || this.#hasEnded) return;
    this.#isLookPlanned = true;
    queueMicrotask(() => {
      this.#isLookPlanned = false;
      this.#look();
    });
  }

  #look(): void {
    clearTimeout(this.#timer);
    const nowMs = performance.now();
    const dueMs = nextDueMs(this.#state);
    if (dueMs !== undefined && dueMs <= nowMs) this.#advance({ type: 'time-passed', atMs: nowMs });
    const step = nextLifecycleStep(this.#facts(), this.#options.limits, nowMs);
    switch (step.type) {
      case 'exit':
        this.#hasEnded = true;
        this.#end({ why: step.why, ...this.#reapings.totals() });
        return;
      case 'end-grace':
        this.#advance({ type: 'grace-ended' });
        return;
      case 'end-leases':
        for (const { id } of this.#state.leases.values()) this.close(id, { graceMs: 0, isClean: false });
        return;
      case 'let-go':
        for (const { id } of this.#state.leases.values()) this.drop(id);
        this.#options.onLetGo?.();
        return;
      case 'stay':
        this.#lookAt(Math.min(nextDueMs(this.#state) ?? Infinity, step.lookAgainAtMs ?? Infinity), nowMs);
    }
  }

  #lookAt(atMs: number, nowMs: number): void {
    if (atMs === Infinity) return;
    const delayMs = Math.min(Math.max(0, Math.ceil(atMs - nowMs)), maxTimerMs);
    this.#timer = setTimeout(() => this.#look(), delayMs);
  }

  #facts(): LifecycleState {
    const { leases } = this.#state;
    const { lapsing, reaping, watched } = countPhases(this.#state);
    return {
      mode: this.#options.mode,
      startedAtMs: this.#startedAtMs,
      activeAtMs: this.#activeAtMs,
      hadLease: this.#openedLeases > 0,
      leases: leases.size,
      lapsing,
      // A stopped one may still be running.
      reaping: Math.max(reaping, this.#reapings.size),
      watched,
      isInputOver: this.#isInputOver,
      drainingSinceMs: this.#drainingSinceMs,
    };
  }
}
