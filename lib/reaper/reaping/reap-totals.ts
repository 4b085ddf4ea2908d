import { removableKinds, type RemovableKind } from '../../core/kinds';
import type { Claim } from '../leases/claim';
import type { ReapOutcome } from './observer';
import { countByKind, type LeftResource } from './reap-report';

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
  readonly #removed = countByKind([]);
  readonly #unfinished = new Map<string, { left: readonly LeftResource[]; failures: readonly string[] }>();

  add({ key }: Claim, outcome: ReapOutcome): void {
    const report = outcome.type === 'failed' ? undefined : outcome.report;
    for (const kind of removableKinds) this.#removed[kind] += report?.removed[kind] ?? 0;
    // A claim that is held again leaves nothing to report.
    if (outcome.type === 'stopped') return;
    this.#unfinished.delete(key);
    const { left = [] } = report ?? {};
    const reason = outcome.type === 'failed' ? outcome.reason : outcome.report.cutShort;
    if (left.length === 0 && reason === undefined) return;
    const [oldest] = this.#unfinished.keys();
    if (this.#unfinished.size >= maxRemembered && oldest !== undefined) this.#unfinished.delete(oldest);
    this.#unfinished.set(key, { left, failures: reason === undefined ? [] : [`reap ${key}: ${reason}`] });
  }

  totals(): ReapTotals {
    const unfinished = [...this.#unfinished.values()];
    return {
      removed: { ...this.#removed },
      left: unfinished.flatMap(({ left }) => left),
      failures: unfinished.flatMap(({ failures }) => failures),
    };
  }
}
