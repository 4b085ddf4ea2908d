import type { CleanupResult } from '../resources/cleanup-one';
import type { ResourceKind } from '../core/kinds';

/**
 * `removed`: verified gone. `would-remove`: would have been removed without `dryRun`. `kept`: not proven to
 * be removable. `failed`: could not be removed, and may still exist.
 */
export type SweepAction = 'removed' | 'would-remove' | 'kept' | 'failed';

/** A resource that a sweep has found, or a child process of a command; what it did with it, and why. */
export interface SweptResource {
  readonly kind: ResourceKind | 'process';
  /** The full id, the name of a volume or Compose project, or the pid. */
  readonly id: string;
  /** Its name; of a process, its command line. */
  readonly name: string;
  /** castoff's session, or else Testcontainers'; empty for neither. */
  readonly session: string;
  /** For display, such as `build-7 pid 4711`; `undefined` when it names no owner. */
  readonly owner?: string | undefined;
  /** Why it may or may not be removed, such as `no process 4711 on this boot`. */
  readonly proof: string;
  readonly action: SweepAction;
  /** How it was removed; another client may have been faster. */
  readonly outcome?: CleanupResult['outcome'] | undefined;
  /** By the engine's clock; `undefined` when the engine reports no creation time. */
  readonly ageMs?: number | undefined;
  /** Why it could not be removed. */
  readonly error?: Error | undefined;
}

/** A resource that a sweep has found, before it acts on it. `proof` is the reason for what it does next. */
export interface FoundResource extends Omit<SweptResource, 'kind' | 'action' | 'outcome' | 'error'> {
  readonly kind: ResourceKind;
}

/** Result of one sweep of one engine. */
export interface SweepReport {
  /** The engine's address. */
  readonly engine: string;
  readonly things: readonly SweptResource[];
  readonly totals: SweepTotals;
  readonly durationMs: number;
}

/** Number of resources by action. */
export type SweepTotals = Readonly<Record<'removed' | 'wouldRemove' | 'kept' | 'failed', number>>;

/** Counts resources by action. */
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
