import type { AttemptLimits, Listing, PlannedTarget, StartLimits } from './cleanup-item';
import { CleanupItems } from './cleanup-items';

/** When a cleanup of many resources starts, repeats and gives up. Times are in milliseconds. */
export interface CleanupLimits extends AttemptLimits, StartLimits {
  /** Returns why as many removals are refused. A listing that exceeds the limit ends the cleanup. */
  readonly refuse?: ((count: number) => string | undefined) | undefined;
  /** Whether the targets are known from the start. Default: list until nothing new is found. */
  readonly isListedOnce?: boolean | undefined;
  /** How often to list while removals are under way. Default: only when all have ended. */
  readonly listEveryMs?: number | undefined;
  /** Pauses before listing again once nothing is left. Default: none. */
  readonly settlePausesMs?: readonly number[] | undefined;
  /** The time from which one empty listing is enough if nothing was removed. Default: never. */
  readonly settledAtMs?: number | undefined;
  /** When the cleanup must have ended. Default: never. */
  readonly endsAtMs?: number | undefined;
}

interface CleanupStep<T> {
  /** Attempts to start now. */
  readonly start: readonly T[];
  readonly shouldList: boolean;
  /** No attempt and no listing follows. */
  readonly isOver: boolean;
  /** When to ask again if nothing ends before. */
  readonly wakeAtMs: number;
}

/** How long a cleanup that was asked to shut down waits for the next removal to succeed. */
const lastRoundIdleMs = 3_000;
/** A listing takes longer. */
const minListMs = 10;

/**
 * Decides what a cleanup of many resources does next, from its listings and the ends of its attempts, which
 * its caller reports to `items`. It does nothing itself, and learns the time from its caller.
 */
export class CleanupPlan<T extends PlannedTarget, R> {
  readonly #limits: CleanupLimits;
  readonly items: CleanupItems<T, R>;
  #isListing = false;
  #requestedAtMs: number | undefined;
  #listedAtMs = 0;
  /** The last listing was requested after the last removal, and found nothing. */
  #isEmpty = false;
  #emptyListings = 0;
  #shutdown: { readonly reason: string; readonly roundAtMs?: number } | undefined;
  #end: { readonly cutShort?: unknown } | undefined;

  /** @param keyOf - Identifies a target among all listings. */
  constructor(limits: CleanupLimits, keyOf: (target: T) => unknown) {
    this.#limits = limits;
    this.items = new CleanupItems(limits, keyOf);
  }

  /** Decides what to do at `nowMs`, and counts on the caller to do it. */
  next(nowMs: number): CleanupStep<T> {
    const start = this.#end === undefined ? this.items.start(this.#limits, nowMs) : [];
    const listAtMs = this.#nextListingAtMs(nowMs);
    if (listAtMs === undefined) this.#end ??= {};
    const isOver = this.#end !== undefined;
    const shouldList = !isOver && listAtMs !== undefined && listAtMs <= nowMs;
    if (shouldList) {
      if (this.#isEmpty) this.#emptyListings += 1;
      this.#isListing = true;
      this.#requestedAtMs = nowMs;
    }
    const times = [listAtMs ?? Infinity, ...this.items.times(this.#limits)];
    const wakeAtMs = times.reduce((first, time) => (time > nowMs ? Math.min(first, time) : first), Infinity);
    return { start, shouldList, isOver, wakeAtMs };
  }

  listed(listing: Listing<T>, nowMs: number): void {
    if (this.#end !== undefined) return;
    const requestedAtMs = (this.#requestedAtMs ??= nowMs);
    const found = this.items.list(listing, requestedAtMs, nowMs);
    this.#isListing = false;
    this.#listedAtMs = nowMs;
    const waiting = this.items.count(({ progress }) => progress === 'waiting');
    const refusal = this.#limits.refuse?.(this.items.starts + waiting);
    if (refusal !== undefined) return this.stop(refusal);
    this.#isEmpty = found === 0 && !this.items.isBusy && requestedAtMs >= this.items.goneAtMs;
    if (!this.#isEmpty) this.#emptyListings = 0;
    if (this.#shutdown === undefined) return;
    const { reason, roundAtMs } = this.#shutdown;
    if (this.#isEmpty) this.#end = {};
    else if (roundAtMs === undefined) this.#shutdown = { reason, roundAtMs: nowMs };
    else this.stop(`${reason}; resources left: ${found}`);
  }

  /** Ends the cleanup once the present resources are removed. `reason` starts the text of `cutShort`. */
  shutDown(reason: string): void {
    this.#shutdown ??= { reason };
  }

  stop(cutShort: unknown): void {
    this.#end ??= { cutShort };
  }

  get cutShort(): unknown {
    return this.#end?.cutShort;
  }

  /** Returns `Infinity` while a listing is under way, and `undefined` when nothing is left to do. */
  #nextListingAtMs(nowMs: number): number | undefined {
    const { isListedOnce = false, listEveryMs = Infinity, settlePausesMs = [] } = this.#limits;
    const { settledAtMs = Infinity, endsAtMs = Infinity } = this.#limits;
    if (this.#isListing) return Infinity;
    if (this.#requestedAtMs === undefined) return nowMs;
    const { isBusy, starts, goneAtMs } = this.items;
    if (isListedOnce) return isBusy ? Infinity : undefined;
    if (this.#shutdown !== undefined) {
      const { roundAtMs } = this.#shutdown;
      return isBusy && roundAtMs !== undefined ? Math.max(roundAtMs, goneAtMs) + lastRoundIdleMs : nowMs;
    }
    if (isBusy) return this.#listedAtMs + listEveryMs;
    const hasFailed = this.items.count(({ progress }) => progress === 'left') > 0;
    if (hasFailed && endsAtMs - nowMs < minListMs) return undefined;
    if (!this.#isEmpty) return nowMs;
    const pauseMs = settlePausesMs[this.#emptyListings];
    const isSettled = this.#requestedAtMs >= settledAtMs && starts === 0;
    return pauseMs === undefined || isSettled ? undefined : this.#listedAtMs + pauseMs;
  }
}
