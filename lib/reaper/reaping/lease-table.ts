import { maxTimerMs } from '../../core/durations';
import type { Claim } from '../leases/claim';
import { Leases, type LeaseAction, type LeaseEnd } from '../leases/leases';
import type { ReaperMode } from '../leases/reaper-mode';
import { nextLifecycleStep, type LifecycleState, type LifecycleLimits } from '../leases/shutdown-policy';
import type { Observer } from './observer';
import type { ReapTotals } from './reap-totals';
import { ReapJobs, type Reap } from './reap-jobs';

/** Options of a lease table. */
export interface LeaseTableOptions {
  readonly mode: ReaperMode;
  readonly limits: LifecycleLimits;
  readonly reap: Reap;
  /** Resolves to whether a resource of a kept claim may still exist. Default: it may. */
  readonly mayExist?: ((claim: Claim) => Promise<boolean>) | undefined;
  readonly observe: Observer;
  /** Called when the clients must move to another reaper. */
  readonly onLeasesDropped?: (() => void) | undefined;
}

/** Summary of a reaper's whole run. */
export interface ReaperEnd extends ReapTotals {
  /** Why it shut down. */
  readonly why: string;
}

/** The table's contents at one moment; times are on the clock of `performance.now()`. */
export interface LeaseTableView {
  readonly leases: Leases;
  readonly startedAtMs: number;
  readonly totals: ReapTotals;
  readonly isDraining: boolean;
}

/**
 * Owns the leases and their timers, and starts the reapings. Every change of a lease goes through this table,
 * one event at a time and synchronously; only the reapings are asynchronous.
 */
export class LeaseTable {
  /** Resolves when the reaper may exit: no client is left, and no reaping is running. */
  readonly ended: Promise<ReaperEnd>;
  readonly #end = Promise.withResolvers<ReaperEnd>();
  readonly #options: LeaseTableOptions;
  readonly #jobs: ReapJobs;
  readonly #startedAtMs = performance.now();
  readonly #leases = new Leases();
  #activeAtMs = this.#startedAtMs;
  #openedLeases = 0;
  #isInputOver = false;
  #drainingSinceMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isCheckScheduled = false;
  #hasEnded = false;

  constructor(options: LeaseTableOptions) {
    this.#options = options;
    this.#jobs = new ReapJobs(options.reap, options.observe);
    this.ended = this.#end.promise;
    this.#scheduleCheck();
  }

  get isDraining(): boolean {
    return this.#drainingSinceMs !== undefined;
  }

  /**
   * Opens a lease and returns its id.
   *
   * @param client - Whose limits count. Default: the lease is the only one of its client.
   * @param host - The host that the client connects from. Default: this one.
   */
  open(holder: string, client?: string, host?: string): string {
    this.#openedLeases += 1;
    const lease = `lease-${this.#openedLeases}`;
    this.rename(lease, holder, client, host);
    this.#options.observe({ type: 'lease-opened', lease, holder });
    return lease;
  }

  rename(lease: string, holder: string, client?: string, host?: string): void {
    this.#leases.openLease(lease, holder, performance.now(), client, host);
    this.#follow();
  }

  /** Adds a claim to a lease. Returns false if that exceeds the limits. */
  claim(lease: string, claim: Claim): boolean {
    const held = this.#leases.open.get(lease);
    if (held === undefined || held.claims.has(claim.key)) return true;
    if (!this.#leases.hasRoom(held)) return false;
    this.#follow(this.#leases.claim(lease, claim));
    this.#options.observe({ type: 'claimed', lease, holder: held.holder, claim });
    return true;
  }

  /** Gives up a claim: its resources are kept. Returns false if the lease does not hold it. */
  release(lease: string, claim: Claim): boolean {
    const held = this.#leases.open.get(lease);
    if (held?.claims.has(claim.key) !== true) return false;
    this.#leases.release(lease, claim.key);
    this.#follow();
    this.#options.observe({ type: 'released', lease, holder: held.holder, claim });
    return true;
  }

  releaseAll(lease: string): void {
    for (const claim of this.#leases.open.get(lease)?.claims.values() ?? []) this.release(lease, claim);
  }

  /** Closes a lease; its claims are reaped after the grace period in `end`, if no other lease holds them. */
  close(lease: string, end: LeaseEnd): void {
    const held = this.#leases.open.get(lease);
    if (held === undefined) return;
    this.#options.observe({ type: 'lease-closed', lease, holder: held.holder, isClean: end.isClean });
    this.#follow(this.#leases.close(lease, end, performance.now()));
  }

  /** Closes a lease whose client moves to another reaper: its resources are kept. */
  drop(lease: string): void {
    this.releaseAll(lease);
    this.close(lease, { graceMs: 0, isClean: true });
  }

  touch(): void {
    this.#activeAtMs = performance.now();
    this.#scheduleCheck();
  }

  endInput(): void {
    this.#isInputOver = true;
    this.#scheduleCheck();
  }

  /** Shuts down when the last client has left, or when the shutdown timeout has passed. */
  drain(why: string): void {
    if (this.#drainingSinceMs !== undefined) return;
    this.#drainingSinceMs = performance.now();
    this.#jobs.drain();
    this.#options.observe({ type: 'draining', why, leases: this.#leases.open.size });
    this.#scheduleCheck();
  }

  view(): LeaseTableView {
    return {
      leases: this.#leases,
      startedAtMs: this.#startedAtMs,
      totals: this.#jobs.totals(),
      isDraining: this.isDraining,
    };
  }

  #follow(actions: readonly LeaseAction[] = []): void {
    this.#activeAtMs = performance.now();
    for (const action of actions) this.#perform(action);
    this.#scheduleCheck();
  }

  #perform(action: LeaseAction): void {
    switch (action.type) {
      case 'stop-reaping':
        this.#jobs.stop(action.run);
        return;
      case 'check':
        void this.#checkKept(action.claim, action.sinceMs);
        return;
      case 'reap': {
        const { claim, run } = action;
        this.#jobs.start(action, ({ type }) => {
          this.#leases.finishReaping(claim.key, run, {
            isSkipped: type === 'stopped',
            atMs: performance.now(),
          });
          this.#follow();
        });
      }
    }
  }

  async #checkKept(claim: Claim, sinceMs: number): Promise<void> {
    const { mayExist, observe } = this.#options;
    if (mayExist === undefined || (await mayExist(claim))) return;
    observe({ type: 'noted', text: `nothing is left to keep of ${claim.key}` });
    this.#leases.forget(claim.key, sinceMs);
    this.#follow();
  }

  // Batched: a thousand clients may leave at once.
  #scheduleCheck(): void {
    if (this.#isCheckScheduled || this.#hasEnded) return;
    this.#isCheckScheduled = true;
    queueMicrotask(() => {
      this.#isCheckScheduled = false;
      this.#check();
    });
  }

  #check(): void {
    clearTimeout(this.#timer);
    const nowMs = performance.now();
    if (this.#leases.nextDueMs() <= nowMs) this.#follow(this.#leases.passTime(nowMs));
    const step = nextLifecycleStep(this.#lifecycleState(), this.#options.limits, nowMs);
    switch (step.type) {
      case 'exit':
        this.#hasEnded = true;
        this.#end.resolve({ why: step.why, ...this.#jobs.totals() });
        return;
      case 'end-grace':
        this.#follow(this.#leases.endGrace());
        return;
      case 'end-leases':
        for (const { id } of this.#leases.open.values()) this.close(id, { graceMs: 0, isClean: false });
        return;
      case 'drop-leases':
        for (const { id } of this.#leases.open.values()) this.drop(id);
        this.#options.onLeasesDropped?.();
        return;
      case 'stay':
        this.#checkAt(Math.min(this.#leases.nextDueMs(), step.recheckAtMs ?? Infinity), nowMs);
    }
  }

  #checkAt(atMs: number, nowMs: number): void {
    if (atMs === Infinity) return;
    const delayMs = Math.min(Math.max(0, Math.ceil(atMs - nowMs)), maxTimerMs);
    this.#timer = setTimeout(() => this.#check(), delayMs);
  }

  #lifecycleState(): LifecycleState {
    const { inGracePeriod, reaping, watched } = this.#leases.orphaned;
    return {
      mode: this.#options.mode,
      startedAtMs: this.#startedAtMs,
      activeAtMs: this.#activeAtMs,
      hadLease: this.#openedLeases > 0,
      leases: this.#leases.open.size,
      inGracePeriod: inGracePeriod.size,
      // A stopped one may still be running.
      reaping: Math.max(reaping.size, this.#jobs.size),
      watched: watched.size,
      isInputOver: this.#isInputOver,
      drainingSinceMs: this.#drainingSinceMs,
    };
  }
}
