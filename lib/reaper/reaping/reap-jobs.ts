import { messageOf } from '../../core/errors';
import type { Claim } from '../leases/claim';
import { FairQueue } from './fair-queue';
import type { LeaseAction } from '../leases/leases';
import type { Observer, ReapOutcome } from './observer';
import type { ReapReport } from './reap-report';
import { ReapTotalsCounter, type ReapTotals } from './reap-totals';

export interface ReapCall {
  readonly lastHolder: string;
  /** When its last lease ended, as `performance.now()` counts. */
  readonly sinceMs: number;
  /** Whether it was reaped before, and only what came later is left to remove. */
  readonly isLate: boolean;
  /** Aborts when it is claimed again. */
  readonly signal: AbortSignal;
  /** Aborts when the reaper must end: what is there is removed, and what is created from then on is left. */
  readonly endSoon: AbortSignal;
}

/** Removes what `claim` covers. */
export type Reap = (claim: Claim, options: ReapCall) => Promise<ReapReport>;

/** Thrown by a `Reap` that leaves the claim to somebody else, for the reason in its message. */
export class ReapSkipped extends Error {}

export type ReapAction = Extract<LeaseAction, { type: 'reap' }>;

/** Each asks the engine for four lists again and again. */
const limits = { atOnce: 32, atOnceOfOne: 24 };

/** How long a reaping may look for more once the reaper was asked to end. @see docker stop: SIGKILL after 10 s */
const drainingMs = 5_000;

interface Reaping {
  readonly stop: AbortController;
  readonly endSoon: AbortController;
}

/** The reapings that are under way, several at once, and what those that have ended came to. */
export class ReapJobs {
  readonly #reap: Reap;
  readonly #observe: Observer;
  readonly #tally = new ReapTotalsCounter();
  readonly #queue = new FairQueue(limits);
  readonly #underWay = new Map<number, Reaping>();
  #isDraining = false;

  constructor(reap: Reap, observe: Observer) {
    this.#reap = reap;
    this.#observe = observe;
  }

  get size(): number {
    return this.#underWay.size;
  }

  /** `onEnded` runs when it is over, in whatever way. */
  start(action: ReapAction, onEnded: (outcome: ReapOutcome) => void): void {
    const stop = new AbortController();
    const endSoon = new AbortController();
    this.#underWay.set(action.run, { stop, endSoon });
    void this.#queue.run(action.lastHolder, async () => {
      if (this.#isDraining) this.#endLater(endSoon);
      const ended = await this.#run(action, { signal: stop.signal, endSoon: endSoon.signal });
      this.#underWay.delete(action.run);
      this.#tally.add(action.claim, ended);
      const { run, claim, lastHolder } = action;
      if (!action.isLate || hasNews(ended))
        this.#observe({ type: 'reap-ended', run, claim, lastHolder, outcome: ended });
      onEnded(ended);
    });
  }

  /** The reaper was asked to end. */
  drain(): void {
    this.#isDraining = true;
    for (const { endSoon } of this.#underWay.values()) this.#endLater(endSoon);
  }

  stop(run: number): void {
    this.#underWay.get(run)?.stop.abort(new Error('claimed again'));
  }

  totals(): ReapTotals {
    return this.#tally.totals();
  }

  #endLater(endSoon: AbortController): void {
    // What it limits holds the process: requests to an engine, and pauses between them.
    setTimeout(() => endSoon.abort(new Error('the reaper was asked to end')), drainingMs).unref();
  }

  async #run(
    { claim, lastHolder, sinceMs, isLate, run }: ReapAction,
    { signal, endSoon }: Pick<ReapCall, 'signal' | 'endSoon'>,
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

/** Most late looks find nothing, and are not reported. */
function hasNews(outcome: ReapOutcome): boolean {
  if (outcome.type !== 'reaped') return outcome.type === 'failed';
  const { removed, left, cutShort } = outcome.report;
  return Object.values(removed).some((count) => count > 0) || left.length > 0 || cutShort !== undefined;
}
