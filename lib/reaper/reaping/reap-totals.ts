import type { RemovableKind } from '../../core/kinds';
import type { Claim } from '../leases/claim';
import type { ReapOutcome } from './observer';
import type { LeftResource, ReapReport } from './reap-report';

/** Results of all reapings of a reaper. */
export interface ReapTotals {
  /** Number of removed resources by kind, since the reaper started. */
  readonly removed: Readonly<Record<RemovableKind, number>>;
  /** Resources of reaped claims that still exist, and why. */
  readonly left: readonly LeftResource[];
  /** Claims whose reaping failed or ended early, and why. */
  readonly failures: readonly string[];
}

/** Bounds the memory of a reaper that runs for weeks. */
const maxRemembered = 1_000;

/**
 * Adds up the results of reapings. A later reaping of a claim replaces the leftovers and failures of an
 * earlier one.
 */
export class ReapTotalsCounter {
  readonly #removed: Record<RemovableKind, number> = { container: 0, network: 0, volume: 0, image: 0 };
  readonly #unfinished = new Map<string, { left: readonly LeftResource[]; failures: readonly string[] }>();

  add(claim: Claim, outcome: ReapOutcome): void {
    if (outcome.type !== 'failed' && outcome.report !== undefined) this.#count(outcome.report.removed);
    // A claim that is held again leaves nothing to report.
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

  #remember(claim: Claim, result: { left: readonly LeftResource[]; failures: readonly string[] }): void {
    const [oldest] = this.#unfinished.keys();
    if (this.#unfinished.size >= maxRemembered && oldest !== undefined) this.#unfinished.delete(oldest);
    this.#unfinished.set(claim.key, result);
  }
}
