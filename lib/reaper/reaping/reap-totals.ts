import type { RemovableKind } from '../../engine/removable-kind';
import type { Claim } from '../leases/claim';
import type { ReapOutcome } from './observer';
import type { LeftResource, ReapReport } from './reap-report';

export interface ReapTotals {
  /** How many of each kind are gone, over the reaper's life. */
  readonly removed: Readonly<Record<RemovableKind, number>>;
  /** What is still there of the claims that were reaped, and why. */
  readonly left: readonly LeftResource[];
  /** The claims whose reaping came to no end at all, and why. */
  readonly failures: readonly string[];
}

/** A reaper that runs for weeks remembers the last ones. */
const mostRemembered = 1_000;

/** Adds up what reaping came to. What is left of a claim is forgotten when a later reaping of it leaves nothing. */
export class ReapTotalsCounter {
  readonly #removed: Record<RemovableKind, number> = { container: 0, network: 0, volume: 0, image: 0 };
  readonly #unfinished = new Map<string, { left: readonly LeftResource[]; failures: readonly string[] }>();

  add(claim: Claim, outcome: ReapOutcome): void {
    if (outcome.type !== 'failed' && outcome.report !== undefined) this.#count(outcome.report.removed);
    // Of what is claimed again, nothing is left behind.
    if (outcome.type === 'stopped') return;
    this.#unfinished.delete(claim.key);
    if (outcome.type === 'failed') {
      this.#remember(claim, { left: [], failures: [`reap ${claim.key}: ${outcome.reason}`] });
      return;
    }
    const { left, cutShort } = outcome.report;
    const failures = cutShort === undefined ? [] : [`reap ${claim.key}: ${cutShort}`];
    if (left.length + failures.length > 0) this.#remember(claim, { left, failures });
  }

  totals(): ReapTotals {
    const unfinished = [...this.#unfinished.values()];
    return {
      removed: { ...this.#removed },
      left: unfinished.flatMap(({ left }) => left),
      failures: unfinished.flatMap(({ failures }) => failures),
    };
  }

  #count(removed: ReapReport['removed']): void {
    this.#removed.container += removed.container;
    this.#removed.network += removed.network;
    this.#removed.volume += removed.volume;
    this.#removed.image += removed.image;
  }

  #remember(claim: Claim, what: { left: readonly LeftResource[]; failures: readonly string[] }): void {
    const [oldest] = this.#unfinished.keys();
    if (this.#unfinished.size >= mostRemembered && oldest !== undefined) this.#unfinished.delete(oldest);
    this.#unfinished.set(claim.key, what);
  }
}
