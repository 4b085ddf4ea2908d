import { messageOf } from '../../core/errors';
import type { Claim } from '../leases/claim';
import { FairQueue } from './fair-queue';
import type { LeaseAction } from '../leases/leases';
import type { Observer, ReapOutcome } from './observer';
import type { ReapReport } from './reap-report';
import { ReapTotalsCounter, type ReapTotals } from './reap-totals';

/** Options that a reaping gets. */
export interface ReapCallOptions {
  readonly lastHolder: string;
  /** When the claim's last lease ended, on the clock of `performance.now()`. */
  readonly sinceMs: number;
  /** Whether the claim was reaped before, so that only later resources remain. */
  readonly isLate: boolean;
  /** Aborts when the claim is held again. */
  readonly signal: AbortSignal;
  /** Aborts when the reaper must exit: existing resources are removed, later ones are left. */
  readonly endSoon: AbortSignal;
}

/** Removes the resources that `claim` covers. */
export type Reap = (claim: Claim, options: ReapCallOptions) => Promise<ReapReport>;

/** Thrown by a `Reap` that leaves the claim to another reaper; the message is the reason. */
export class ReapSkipped extends Error {}

type ReapAction = Extract<LeaseAction, { type: 'reap' }>;

/** Each reaping repeatedly requests four listings from the engine. */
const limits = { total: 32, perOwner: 24, perGroup: 29 };

/**
 * How long a reaping may list again once the reaper was asked to shut down.
 *
 * @see docker stop: SIGKILL after 10 s
 */
const drainingMs = 5_000;

interface Reaping {
  readonly stop: AbortController;
  readonly endSoon: AbortController;
}

/** Runs reapings, several at once, and adds up their results. */
export class ReapJobs {
  readonly #reap: Reap;
  readonly #observe: Observer;
  readonly #totals = new ReapTotalsCounter();
  readonly #queue = new FairQueue(limits);
  readonly #running = new Map<number, Reaping>();
  #isDraining = false;

  constructor(reap: Reap, observe: Observer) {
    this.#reap = reap;
    this.#observe = observe;
  }

  get size(): number {
    return this.#running.size;
  }

  start(action: ReapAction, onEnded: (outcome: ReapOutcome) => void): void {
    const stop = new AbortController();
    const endSoon = new AbortController();
    this.#running.set(action.run, { stop, endSoon });
    void this.#queue.run({ name: action.client, group: action.host }, async () => {
      if (this.#isDraining) this.#limitTime(endSoon);
      const ended = await this.#run(action, { signal: stop.signal, endSoon: endSoon.signal });
      this.#running.delete(action.run);
      this.#totals.add(action.claim, ended);
      const { run, claim, lastHolder } = action;
      if (!action.isLate || hasNews(ended))
        this.#observe({ type: 'reap-ended', run, claim, lastHolder, outcome: ended });
      onEnded(ended);
    });
  }

  /** Gives all reapings a time limit, because the reaper was asked to shut down. */
  drain(): void {
    this.#isDraining = true;
    for (const { endSoon } of this.#running.values()) this.#limitTime(endSoon);
  }

  stop(run: number): void {
    this.#running.get(run)?.stop.abort(new Error('claimed again'));
  }

  totals(): ReapTotals {
    return this.#totals.totals();
  }

  #limitTime(endSoon: AbortController): void {
    // Unreferenced: the requests and pauses that it limits keep the process alive.
    setTimeout(() => endSoon.abort(new Error('the reaper was asked to shut down')), drainingMs).unref();
  }

  async #run(
    { claim, lastHolder, sinceMs, isLate, run }: ReapAction,
    { signal, endSoon }: Pick<ReapCallOptions, 'signal' | 'endSoon'>,
  ): Promise<ReapOutcome> {
    if (signal.aborted) return { type: 'stopped' };
    if (!isLate) this.#observe({ type: 'reap-began', run, claim, lastHolder });
    try {
      const report = await this.#reap(claim, { lastHolder, sinceMs, isLate, signal, endSoon });
      return signal.aborted ? { type: 'stopped', report } : { type: 'reaped', report };
    } catch (error) {
      if (error instanceof ReapSkipped) this.#observe({ type: 'noted', text: error.message });
      const isStopped = signal.aborted || error instanceof ReapSkipped;
      return isStopped ? { type: 'stopped' } : { type: 'failed', reason: messageOf(error) };
    }
  }
}

/** Most late listings are empty, and not reported. */
function hasNews(outcome: ReapOutcome): boolean {
  if (outcome.type !== 'reaped') return outcome.type === 'failed';
  const { removed, left, cutShort } = outcome.report;
  return Object.values(removed).some((count) => count > 0) || left.length > 0 || cutShort !== undefined;
}
