import type { CleanupResult } from '../resources/cleanup-one';
import type { ResourceKind } from '../resources/kind';

/**
 * `removed`: it is gone. `would-remove`: it would have been, but for `dryRun`. `kept`: nothing says that it may go. `failed`: it
 * was to go, and may still be there.
 */
export type SweepAction = 'removed' | 'would-remove' | 'kept' | 'failed';

/** What a sweep has found, what it has done about it, and why. */
export interface SweptResource {
  readonly kind: ResourceKind;
  /** The full id; a volume's or Compose project's name. */
  readonly id: string;
  readonly name: string;
  /** Castoff's session; of what carries none, Testcontainers' own; empty for neither. */
  readonly session: string;
  /** For people: `build-7 pid 4711`; `undefined` where none is named. */
  readonly owner?: string | undefined;
  /** Why it may go, or why not: `no process 4711 on this boot`. */
  readonly proof: string;
  readonly action: SweepAction;
  /** How it came to be gone: others may have been quicker. */
  readonly outcome?: CleanupResult['outcome'] | undefined;
  /** By the engine's clock; `undefined` where the engine does not tell. */
  readonly ageMs?: number | undefined;
  /** Why it could not be removed. */
  readonly error?: Error | undefined;
}

/** What one sweep of one engine has come to. */
export interface SweepReport {
  /** The engine's address. */
  readonly engine: string;
  readonly things: readonly SweptResource[];
  readonly totals: SweepTotals;
  readonly durationMs: number;
}

export interface SweepTotals {
  readonly removed: number;
  readonly wouldRemove: number;
  readonly kept: number;
  readonly failed: number;
}

export function totalsOf(resources: readonly SweptResource[]): SweepTotals {
  const count = (action: SweepAction): number =>
    resources.filter((resource) => resource.action === action).length;
  return {
    removed: count('removed'),
    wouldRemove: count('would-remove'),
    kept: count('kept'),
    failed: count('failed'),
  };
}
