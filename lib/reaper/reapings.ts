import pLimit from 'p-limit';
import { messageOf } from '../core/errors';
import type { Claim } from './claim';
import type { LeaseAction } from './leases';
import type { Observer, ReapOutcome } from './observer';
import type { ReapReport } from './reap-report';
import { ReapTally, type ReapTotals } from './reap-tally';

/** Removes what `claim` covers; `signal`: somebody claims it again. */
export type Reap = (
  claim: Claim,
  options: { readonly lastHolder: string; readonly signal: AbortSignal },
) => Promise<ReapReport>;

/** Thrown by a `Reap` that leaves the claim to somebody else, for the reason in its message. */
export class GivenUp extends Error {}

export type ReapAction = Extract<LeaseAction, { type: 'reap' }>;

/** Each asks the engine for four lists again and again. */
const reapingsAtOnce = 32;

interface Reaping {
  readonly stop: AbortController;
  readonly outcome: Promise<ReapOutcome>;
}

/** The reapings that are under way, several at once, and what those that have ended came to. */
export class Reapings {
  readonly #reap: Reap;
  readonly #observe: Observer;
  readonly #tally = new ReapTally();
  readonly #limit = pLimit(reapingsAtOnce);
  readonly #underWay = new Map<number, Reaping>();

  constructor(reap: Reap, observe: Observer) {
    this.#reap = reap;
    this.#observe = observe;
  }

  get size(): number {
    return this.#underWay.size;
  }

  /** `onEnded` runs when it is over, in whatever way. */
  start(action: ReapAction, onEnded: () => void): void {
    const stop = new AbortController();
    const outcome = this.#limit(async () => {
      const ended = await this.#run(action, stop.signal);
      this.#underWay.delete(action.run);
      this.#tally.add(action.claim, ended);
      const { run, claim, lastHolder } = action;
      this.#observe({ type: 'reap-ended', run, claim, lastHolder, outcome: ended });
      onEnded();
      return ended;
    });
    this.#underWay.set(action.run, { stop, outcome });
  }

  stop(run: number): void {
    this.#underWay.get(run)?.stop.abort(new Error('claimed again'));
  }

  /** Of one that is under way; it does not reject. */
  outcomeOf(run: number): Promise<ReapOutcome> | undefined {
    return this.#underWay.get(run)?.outcome;
  }

  totals(): ReapTotals {
    return this.#tally.totals();
  }

  async #run({ claim, lastHolder, run }: ReapAction, signal: AbortSignal): Promise<ReapOutcome> {
    if (signal.aborted) return { type: 'stopped' };
    this.#observe({ type: 'reap-began', run, claim, lastHolder });
    try {
      const report = await this.#reap(claim, { lastHolder, signal });
      return signal.aborted ? { type: 'stopped', report } : { type: 'reaped', report };
    } catch (error) {
      if (error instanceof GivenUp) this.#observe({ type: 'noted', text: error.message });
      const isStopped = signal.aborted || error instanceof GivenUp;
      return isStopped ? { type: 'stopped' } : { type: 'failed', reason: messageOf(error) };
    }
  }
}
