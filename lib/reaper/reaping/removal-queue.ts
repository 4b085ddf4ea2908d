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
 * What a crash has left is often removed while other runs keep the machine busy. With a load of 25 on two processors, 30 removals
 * take 2.2 s sixteen at a time, 2.6 s eight at a time and 2.9 s all at once (Docker 20.10.24, overlay2).
 */
const removalsAtOnce = Math.max(16, 8 * availableParallelism());

interface Piece {
  readonly target: ListedTarget;
  /** `undefined`: it has come again, and is to be begun again. */
  progress: Progress | undefined;
  reason: string;
  /** When it was last seen to be gone, and how often it was. */
  goneAtMs: number;
  timesGone: number;
}

/** The removals of one reaping: each on its own, so that what fails delays nobody else. */
export class RemovalQueue {
  readonly #engine: Engine;
  readonly #claim: Claim;
  readonly #settings: ReapSettings;
  readonly #stop: AbortSignal;
  readonly #limit = pLimit(removalsAtOnce);
  readonly #pieces = new Map<string, Piece>();
  readonly #running = new Set<Promise<void>>();
  #lastNewsAtMs = performance.now();
  #lastGoneAtMs = performance.now();
  #lookedAtMs = 0;
  #starts = 0;
  readonly #services = new ServiceTurns();
  #wake: (() => void) | undefined;

  constructor(engine: Engine, claim: Claim, settings: ReapSettings, stop: AbortSignal) {
    this.#engine = engine.within({ timeoutMs: settings.requestTimeoutMs });
    this.#claim = claim;
    this.#settings = settings;
    this.#stop = stop;
  }

  /** Begins to remove them, and goes on with each until it is gone or given up. */
  start(targets: readonly ListedTarget[]): void {
    this.#lastNewsAtMs = performance.now();
    for (const target of targets) if (this.#services.take(target.labels)) this.#start(target);
  }

  #start(target: ListedTarget): void {
    const timesGone = this.#pieces.get(keyOf(target))?.timesGone ?? 0;
    const piece: Piece = { target, progress: 'begun', reason: '', goneAtMs: 0, timesGone };
    this.#starts += 1;
    this.#pieces.set(keyOf(target), piece);
    const run = this.#remove(piece);
    this.#running.add(run);
    void run.finally(() => {
      this.#running.delete(run);
      this.#wake?.();
    });
  }

  /** How many removals have been started: a name that comes again counts each time. */
  get starts(): number {
    return this.#starts;
  }

  /** Reports what would be removed. */
  async pretend(target: ListedTarget): Promise<void> {
    if (!this.#services.take(target.labels)) return;
    const isMeant = (own: ListedTarget['labels']) => carriesLabels(own, this.#claim.labels);
    const step = await inspectServiceOf(this.#engine, target.labels, isMeant);
    this.#services.settle(target.labels, step.type === 'leave' ? 'left' : 'gone');
    if (step.type === 'leave') {
      const { reason } = step;
      const left: Piece = { target, progress: 'left', reason, goneAtMs: 0, timesGone: 0 };
      this.#pieces.set(keyOf(target), left);
      this.#audit(left, 'left', performance.now());
      return;
    }
    const piece: Piece = { target, progress: 'gone', reason: '', goneAtMs: 0, timesGone: 0 };
    this.#pieces.set(keyOf(target), piece);
    this.#audit(piece, 'would-remove', performance.now());
  }

  /** Reports once that it is kept, and why. */
  keep({ target, reason: why }: UnclearTarget): void {
    if (this.#pieces.has(keyOf(target))) return;
    const piece: Piece = { target, progress: 'left', reason: why, goneAtMs: 0, timesGone: 0 };
    this.#pieces.set(keyOf(target), piece);
    this.#audit(piece, 'left', performance.now());
  }

  /**
   * What is there of a listing that was asked for at `askedAtMs`: without what went meanwhile. A name that was gone before has
   * come again, and is to go again, but not for ever.
   */
  sift(listed: readonly ListedTarget[], askedAtMs: number): readonly ListedTarget[] {
    this.#lookedAtMs = performance.now();
    return listed.filter((target) => {
      const piece = this.#pieces.get(keyOf(target));
      if (piece === undefined && this.#services.isLeft(target.labels)) return false;
      if (piece?.progress !== 'gone') return true;
      if (piece.goneAtMs >= askedAtMs) return false;
      piece.progress = undefined;
      if (piece.timesGone < this.#settings.mostTries) return true;
      piece.progress = 'left';
      piece.reason = `listed again each time that it has gone, ${piece.timesGone} times`;
      return true;
    });
  }

  progressOf(target: ListedTarget): Progress | undefined {
    return this.#pieces.get(keyOf(target))?.progress;
  }

  get isBusy(): boolean {
    return this.#running.size > 0;
  }

  /** How long no try has begun or ended, in milliseconds. */
  get quietMs(): number {
    return performance.now() - this.#lastNewsAtMs;
  }

  /** When something was last removed, or the work began. */
  get lastGoneAtMs(): number {
    return this.#lastGoneAtMs;
  }

  /** Resolves when the next try ends. */
  nextEnd(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    return promise;
  }

  /** Resolves when nothing is under way any more. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#running);
  }

  gone(): readonly ListedTarget[] {
    return [...this.#pieces.values()]
      .filter(({ progress }) => progress === 'gone')
      .map(({ target }) => target);
  }

  /** `cutShort`: why what was not tried to the end is there. */
  left(cutShort = ''): readonly LeftResource[] {
    return [...this.#pieces.values()]
      .filter(({ progress }) => progress !== 'gone')
      .map(({ target: { kind, id, name }, reason }) => ({
        kind,
        id,
        name,
        reason: reason === '' ? cutShort : reason,
      }));
  }

  /** Never rejects. */
  async #remove(piece: Piece): Promise<void> {
    const { mostTries, firstPauseMs, maxPauseMs, requestTimeoutMs } = this.#settings;
    const startedAtMs = performance.now();
    const rules = { claim: this.#claim, requestTimeoutMs, stop: this.#stop };
    let failures = 0;
    let countedAtMs = startedAtMs;
    const tryOnce = async (): Promise<void> => {
      const end = await this.#limit(() => reapOne(this.#engine, piece.target, rules));
      this.#lastNewsAtMs = performance.now();
      if (end.type === 'gone') {
        piece.progress = 'gone';
        this.#services.settle(piece.target.labels, 'gone');
        piece.goneAtMs = performance.now();
        this.#lastGoneAtMs = piece.goneAtMs;
        piece.timesGone += 1;
        this.#audit(piece, end.outcome, startedAtMs);
        return;
      }
      // Given up because nothing more is to be sent: that says nothing of the thing.
      if (this.#stop.aborted) return;
      piece.reason = end.reason;
      if (end.type === 'left-to-service') {
        piece.progress = 'left';
        this.#services.settle(piece.target.labels, 'left');
        this.#audit(piece, 'left', startedAtMs);
        return;
      }
      piece.progress = 'retried';
      // An engine that is away says nothing of the thing, unless it has answered others.
      if (end.type === 'failed' || this.#lookedAtMs > countedAtMs) {
        failures += 1;
        countedAtMs = performance.now();
      }
      if ((end.type === 'failed' && end.isFinal) || failures >= mostTries) {
        piece.progress = 'left';
        this.#audit(piece, 'left', startedAtMs);
        return;
      }
      this.#wake?.();
      throw new RetryableError();
    };
    try {
      await retryWithBackoff(tryOnce, { firstPauseMs, maxPauseMs, signal: this.#stop });
    } catch (error) {
      // An end of the pause: nothing more is to be removed.
      if (this.#stop.aborted) return;
      piece.progress = 'left';
      piece.reason = messageOf(error);
    }
  }

  #audit({ target, reason }: Piece, outcome: AuditEntry['outcome'], startedAtMs: number): void {
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
