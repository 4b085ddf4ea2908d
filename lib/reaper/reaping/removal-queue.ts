import { availableParallelism } from 'node:os';
import pLimit from 'p-limit';
import { messageOf } from '../../core/errors';
import { retryWithBackoff, RetryableError } from '../../core/retry';
import { carriesLabels } from '../../engine/carries-labels';
import type { Engine } from '../../engine/engine';
import type { ListedTarget } from '../../engine/list-targets';
import type { UnclearTarget } from '../../resources/list-owned';
import { inspectServiceOf, ServiceTurns } from '../../resources/swarm-service';
import type { AuditEntry } from './audit';
import type { Claim } from '../leases/claim';
import { reapOne } from './reap-one';
import type { ReapSettings } from './reap-options';
import { keyOf, type Progress } from './reap-plan';
import type { LeftResource } from './reap-report';

/**
 * A reaper often removes resources while other runs keep the machine busy. With a load of 25 on two
 * processors, 30 removals take 2.2 s sixteen at a time, 2.6 s eight at a time and 2.9 s all at once (Docker
 * 20.10.24, overlay2).
 */
const maxConcurrentRemovals = Math.max(16, 8 * availableParallelism());

interface RemovalItem {
  readonly target: ListedTarget;
  /** `undefined`: it exists again, and its removal must start again. */
  progress: Progress | undefined;
  reason: string;
  /** When it was last removed. */
  removedAtMs: number;
  timesRemoved: number;
}

/** The removals of one reaping. They run independently, so that a failing one delays no other. */
export class RemovalQueue {
  readonly #engine: Engine;
  readonly #claim: Claim;
  readonly #settings: ReapSettings;
  readonly #stop: AbortSignal;
  readonly #limit = pLimit(maxConcurrentRemovals);
  readonly #items = new Map<string, RemovalItem>();
  readonly #running = new Set<Promise<void>>();
  #lastActivityAtMs = performance.now();
  #lastRemovedAtMs = performance.now();
  #listedAtMs = 0;
  #startCount = 0;
  readonly #services = new ServiceTurns();
  #wake: (() => void) | undefined;

  constructor(engine: Engine, claim: Claim, settings: ReapSettings, stop: AbortSignal) {
    this.#engine = engine.within({ timeoutMs: settings.requestTimeoutMs });
    this.#claim = claim;
    this.#settings = settings;
    this.#stop = stop;
  }

  /** Starts to remove `targets`, retrying each until it is removed or given up. */
  start(targets: readonly ListedTarget[]): void {
    this.#lastActivityAtMs = performance.now();
    for (const target of targets) if (this.#services.take(target.labels)) this.#start(target);
  }

  #start(target: ListedTarget): void {
    const timesRemoved = this.#items.get(keyOf(target))?.timesRemoved ?? 0;
    const item: RemovalItem = { target, progress: 'started', reason: '', removedAtMs: 0, timesRemoved };
    this.#startCount += 1;
    this.#items.set(keyOf(target), item);
    const run = this.#remove(item);
    this.#running.add(run);
    void run.finally(() => {
      this.#running.delete(run);
      this.#wake?.();
    });
  }

  /** Number of removals started; a name that exists again counts each time. */
  get startCount(): number {
    return this.#startCount;
  }

  /** Audits what a real reaping would do with `target`. */
  async dryRun(target: ListedTarget): Promise<void> {
    if (!this.#services.take(target.labels)) return;
    const matchesClaim = (labels: ListedTarget['labels']) => carriesLabels(labels, this.#claim.labels);
    const step = await inspectServiceOf(this.#engine, target.labels, matchesClaim);
    this.#services.settle(target.labels, step.type === 'leave' ? 'left' : 'gone');
    if (step.type === 'leave') {
      const { reason } = step;
      const left: RemovalItem = { target, progress: 'left', reason, removedAtMs: 0, timesRemoved: 0 };
      this.#items.set(keyOf(target), left);
      this.#audit(left, 'left', performance.now());
      return;
    }
    const item: RemovalItem = { target, progress: 'removed', reason: '', removedAtMs: 0, timesRemoved: 0 };
    this.#items.set(keyOf(target), item);
    this.#audit(item, 'would-remove', performance.now());
  }

  /** Audits, once, that `target` is kept, and why. */
  skip({ target, reason }: UnclearTarget): void {
    if (this.#items.has(keyOf(target))) return;
    const item: RemovalItem = { target, progress: 'left', reason, removedAtMs: 0, timesRemoved: 0 };
    this.#items.set(keyOf(target), item);
    this.#audit(item, 'left', performance.now());
  }

  /**
   * Returns the resources of a listing that still exist: without those removed since it was requested, at
   * `requestedAtMs`. A name that was removed before that exists again; it is removed again, up to
   * `maxAttempts` times.
   */
  filterRemoved(listed: readonly ListedTarget[], requestedAtMs: number): readonly ListedTarget[] {
    this.#listedAtMs = performance.now();
    return listed.filter((target) => {
      const item = this.#items.get(keyOf(target));
      if (item === undefined && this.#services.isLeft(target.labels)) return false;
      if (item?.progress !== 'removed') return true;
      if (item.removedAtMs >= requestedAtMs) return false;
      item.progress = undefined;
      if (item.timesRemoved < this.#settings.maxAttempts) return true;
      item.progress = 'left';
      item.reason = `still listed after ${item.timesRemoved} removals`;
      return true;
    });
  }

  progressOf(target: ListedTarget): Progress | undefined {
    return this.#items.get(keyOf(target))?.progress;
  }

  get isBusy(): boolean {
    return this.#running.size > 0;
  }

  /** Time since an attempt last started or ended, in milliseconds. */
  get idleMs(): number {
    return performance.now() - this.#lastActivityAtMs;
  }

  /** When a resource was last removed; at first, when the queue was created. */
  get lastRemovedAtMs(): number {
    return this.#lastRemovedAtMs;
  }

  /** Resolves when the next attempt ends. */
  nextAttemptEnd(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    return promise;
  }

  /** Resolves when all running removals have ended. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#running);
  }

  removed(): readonly ListedTarget[] {
    return [...this.#items.values()]
      .filter(({ progress }) => progress === 'removed')
      .map(({ target }) => target);
  }

  /** Resources that still exist. `cutShort`: the reason for those that have none of their own. */
  left(cutShort = ''): readonly LeftResource[] {
    return [...this.#items.values()]
      .filter(({ progress }) => progress !== 'removed')
      .map(({ target: { kind, id, name }, reason }) => ({
        kind,
        id,
        name,
        reason: reason === '' ? cutShort : reason,
      }));
  }

  /** Never rejects. */
  async #remove(item: RemovalItem): Promise<void> {
    const { maxAttempts, firstPauseMs, maxPauseMs, requestTimeoutMs } = this.#settings;
    const startedAtMs = performance.now();
    const rules = { claim: this.#claim, requestTimeoutMs, stop: this.#stop };
    let failures = 0;
    let countedAtMs = startedAtMs;
    const attemptOnce = async (): Promise<void> => {
      const attempt = await this.#limit(() => reapOne(this.#engine, item.target, rules));
      this.#lastActivityAtMs = performance.now();
      if (attempt.type === 'gone') {
        item.progress = 'removed';
        this.#services.settle(item.target.labels, 'gone');
        item.removedAtMs = performance.now();
        this.#lastRemovedAtMs = item.removedAtMs;
        item.timesRemoved += 1;
        this.#audit(item, attempt.outcome, startedAtMs);
        return;
      }
      // The reaping was stopped: no failure of this resource.
      if (this.#stop.aborted) return;
      item.reason = attempt.reason;
      if (attempt.type === 'left-to-service') {
        item.progress = 'left';
        this.#services.settle(item.target.labels, 'left');
        this.#audit(item, 'left', startedAtMs);
        return;
      }
      item.progress = 'retrying';
      // An unreachable engine counts as a failure of this resource only if it has answered a listing since.
      if (attempt.type === 'failed' || this.#listedAtMs > countedAtMs) {
        failures += 1;
        countedAtMs = performance.now();
      }
      if ((attempt.type === 'failed' && attempt.isFinal) || failures >= maxAttempts) {
        item.progress = 'left';
        this.#audit(item, 'left', startedAtMs);
        return;
      }
      this.#wake?.();
      throw new RetryableError();
    };
    try {
      await retryWithBackoff(attemptOnce, { firstPauseMs, maxPauseMs, signal: this.#stop });
    } catch (error) {
      // The pause was aborted: the reaping was stopped.
      if (this.#stop.aborted) return;
      item.progress = 'left';
      item.reason = messageOf(error);
    }
  }

  #audit({ target, reason }: RemovalItem, outcome: AuditEntry['outcome'], startedAtMs: number): void {
    const { kind, id, name, labels } = target;
    this.#settings.onAudit?.({
      outcome,
      kind,
      id,
      name,
      labels,
      claim: this.#claim.key,
      lease: this.#settings.lastHolder,
      reason: outcome === 'left' ? reason : undefined,
      durationMs: performance.now() - startedAtMs,
    });
  }
}
