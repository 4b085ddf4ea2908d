import type { AttemptFailure } from './cleanup-error';
import type { AttemptLimits, CleanupItem, Listing, PlannedTarget, StartLimits } from './cleanup-item';
import type { Target } from './kind';
import { removalOrder } from '../core/kinds';
import { ServiceTurns } from './swarm-service';

type Item<T, R> = { -readonly [K in keyof CleanupItem<T, R>]: CleanupItem<T, R>[K] } & {
  /** When its progress last changed. */
  sinceMs: number;
  retryAtMs: number;
  failures: number;
  /** When the last failure was counted. */
  countedAtMs: number;
  readonly timesGone: number;
};

/** Returns `targets` in the order of their removal. */
export function inRemovalOrder<T extends Target>(targets: readonly T[]): readonly T[] {
  return removalOrder.flatMap((kind) => targets.filter((target) => target.kind === kind));
}

/**
 * The resources of a cleanup, and how far the removal of each is. Swarm removes the containers of a service
 * with it: one of them is tried, and the others only once the service is gone.
 */
export class CleanupItems<T extends PlannedTarget, R> {
  readonly #limits: AttemptLimits;
  readonly #keyOf: (target: T) => unknown;
  readonly #items = new Map<unknown, Item<T, R>>();
  readonly #services = new ServiceTurns();
  readonly #settled: CleanupItem<T, R>[] = [];
  #listedAtMs = 0;
  /** Number of removals started; a name that exists again counts each time. */
  starts = 0;
  /** When an attempt last started or ended. */
  activeAtMs = 0;
  /** When a resource was last removed. */
  goneAtMs = 0;

  constructor(limits: AttemptLimits, keyOf: (target: T) => unknown) {
    this.#limits = limits;
    this.#keyOf = keyOf;
  }

  /** Adds a listing. Returns the number of found resources that still exist, and are not given up. */
  list({ found, unclear = [] }: Listing<T>, requestedAtMs: number, nowMs: number): number {
    this.#listedAtMs = nowMs;
    for (const { target, reason } of unclear) this.#keep(target, reason, nowMs);
    const present = new Set(
      found.filter((target) => this.#find(target, requestedAtMs)).map((target) => this.#keyOf(target)),
    );
    for (const [key, { progress }] of this.#items)
      if (progress === 'waiting' && !present.has(key)) this.#items.delete(key);
    return present.size;
  }

  /**
   * Starts attempts: of all resources of one kind that wait, or else of those whose pause is over. A kind
   * waits for the first attempts of the kinds before it, unless no attempt has started or ended for `stuckMs`.
   * An attempt that takes longer than `slotMs` does not count as one of `maxConcurrent`.
   */
  start({ maxConcurrent, stuckMs, slotMs = stuckMs }: StartLimits, nowMs: number): readonly T[] {
    const isStalled = this.activeAtMs + stuckMs <= nowMs;
    let free =
      maxConcurrent -
      this.count(({ progress, sinceMs }) => progress === 'trying' && sinceMs + slotMs > nowMs);
    const started: T[] = [];
    const tryItem = (item: Item<T, R>): void => {
      if (item.attempts === 0) {
        this.starts += 1;
        item.startedAtMs = nowMs;
        item.countedAtMs = nowMs;
      }
      item.attempts += 1;
      item.progress = 'trying';
      item.sinceMs = nowMs;
      this.activeAtMs = nowMs;
      free -= 1;
      started.push(item.target);
    };
    for (const kind of removalOrder) {
      const ofKind = [...this.#items.values()].filter(({ target }) => target.kind === kind);
      for (const item of ofKind)
        if (item.progress === 'waiting' && free > 0 && this.#services.take(item.target.labels)) tryItem(item);
      const isFirst = ofKind.some(({ progress, attempts }) => progress === 'trying' && attempts === 1);
      if (started.length > 0 || free <= 0 || (isFirst && !isStalled)) break;
    }
    for (const item of this.#items.values())
      if (free > 0 && item.progress === 'pausing' && item.retryAtMs <= nowMs) tryItem(item);
    return started;
  }

  remove(target: T, result: R, nowMs: number): void {
    this.activeAtMs = nowMs;
    this.goneAtMs = nowMs;
    this.#services.settle(target.labels, 'gone');
    const item = this.#itemOf(target);
    this.#settle({ ...item, progress: 'gone', result, sinceMs: nowMs, timesGone: item.timesGone + 1 });
  }

  /** Records that an attempt has failed, and decides whether another one follows. */
  fail(target: T, { error, reason, isFinal, isAway, isOfService }: AttemptFailure, nowMs: number): void {
    const { retry = { maxAttempts: 0, firstPauseMs: 0, maxPauseMs: 0 } } = this.#limits;
    this.activeAtMs = nowMs;
    const item = this.#itemOf(target);
    Object.assign(item, { error, reason, sinceMs: nowMs });
    // An unreachable engine counts as a failure of this resource only if it has answered a listing since.
    if (!isAway || this.#listedAtMs > item.countedAtMs) {
      item.failures += 1;
      item.countedAtMs = nowMs;
    }
    const isLeft = isFinal || item.failures >= retry.maxAttempts;
    if (!isOfService) this.#services.settle(target.labels, 'gone');
    else if (isLeft) this.#leaveService(item);
    if (isLeft) return this.#settle({ ...item, progress: 'left' });
    item.progress = 'pausing';
    item.retryAtMs = nowMs + Math.min(retry.maxPauseMs, retry.firstPauseMs * 2 ** (item.attempts - 1));
  }

  /** Whether a resource waits for its removal, is being removed, or will be tried again. */
  get isBusy(): boolean {
    return this.count(({ progress }) => ['waiting', 'trying', 'pausing'].includes(progress)) > 0;
  }

  count(matches: (item: CleanupItem<T, R> & { readonly sinceMs: number }) => boolean): number {
    let count = 0;
    for (const item of this.#items.values()) if (matches(item)) count += 1;
    return count;
  }

  /** Returns when pauses end, and when attempts no longer block others. */
  times({ stuckMs, slotMs = stuckMs }: Omit<StartLimits, 'maxConcurrent'>): readonly number[] {
    const ofItems = this.all().flatMap(({ progress, sinceMs, retryAtMs }) =>
      progress === 'pausing' ? [retryAtMs] : progress === 'trying' ? [sinceMs + slotMs] : [],
    );
    return [this.activeAtMs + stuckMs, ...ofItems];
  }

  /** Returns the resources that were settled since the last call: gone, given up, or kept. */
  takeSettled(): readonly CleanupItem<T, R>[] {
    return this.#settled.splice(0);
  }

  all(): readonly Item<T, R>[] {
    return [...this.#items.values()];
  }

  /** Returns the resources that were to be removed, and may still exist; one for each service that is kept. */
  left(): readonly CleanupItem<T, R>[] {
    return this.all().filter(
      ({ progress, attempts }) =>
        ['waiting', 'trying', 'pausing'].includes(progress) || (progress === 'left' && attempts > 0),
    );
  }

  /** Returns whether a listed target still exists and needs an attempt. */
  #find(target: T, requestedAtMs: number): boolean {
    const item = this.#items.get(this.#keyOf(target));
    if (item === undefined && this.#services.isLeft(target.labels)) return false;
    if (item?.progress === 'left' || item?.progress === 'unclear') return false;
    if (item !== undefined && item.progress !== 'gone') return true;
    const { timesGone = 0 } = item ?? {};
    if (item !== undefined) {
      // It may have been listed before it was removed.
      if (item.sinceMs >= requestedAtMs) return false;
      if (timesGone >= (this.#limits.maxRepeats ?? Infinity)) {
        this.#settle({ ...item, progress: 'left', reason: `still listed after ${timesGone} removals` });
        return false;
      }
    }
    this.#items.set(this.#keyOf(target), newItem(target, timesGone));
    return true;
  }

  #keep(target: T, reason: string, nowMs: number): void {
    const { progress = 'waiting' } = this.#items.get(this.#keyOf(target)) ?? {};
    if (progress !== 'waiting') return;
    this.#settle({ ...newItem<T, R>(target, 0), progress: 'unclear', reason, startedAtMs: nowMs });
  }

  #itemOf(target: T): Item<T, R> {
    return this.#items.get(this.#keyOf(target)) ?? newItem(target, 0);
  }

  #settle(item: Item<T, R>): void {
    this.#items.set(this.#keyOf(item.target), item);
    this.#settled.push(item);
  }

  /** The other containers of its service are left untried for the same reason. */
  #leaveService({ target: { labels }, error, reason }: Item<T, R>): void {
    this.#services.settle(labels, 'left');
    for (const item of this.#items.values())
      if (item.progress === 'waiting' && this.#services.isLeft(item.target.labels))
        Object.assign(item, { progress: 'left', error, reason });
  }
}

function newItem<T, R>(target: T, timesGone: number): Item<T, R> {
  return {
    target,
    progress: 'waiting',
    attempts: 0,
    startedAtMs: 0,
    reason: '',
    sinceMs: 0,
    retryAtMs: 0,
    failures: 0,
    countedAtMs: 0,
    timesGone,
  };
}
