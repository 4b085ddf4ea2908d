import { availableParallelism } from 'node:os';
import pLimit from 'p-limit';
import { withTimeout } from '../core/timeout';
import type { ResourceKind } from './kind';
import { removalOrder } from './resource-kinds';

/** A resource to remove. */
export interface Target {
  readonly kind: ResourceKind;
  /** Its id, or the name of a volume, image or Compose project. */
  readonly id: string;
}

/** Outcome of one cleanup: exactly one of `result` and `error` is set. */
export interface TargetOutcome<T extends Target, R> {
  readonly target: T;
  readonly result?: R;
  readonly error?: unknown;
}

/**
 * Removals wait for the engine's disk and locks as much as for processors. On two processors, 30 removals
 * take 1.5 s eight at a time, 1.9 s all at once and 2.9 s one by one (Docker 20.10.24, overlay2).
 */
const maxConcurrent = Math.max(8, 4 * availableParallelism());

/** Groups `targets` by kind, in the order of removal. Resources within a group are independent. */
export function planRemovals<T extends Target>(targets: readonly T[]): readonly (readonly T[])[] {
  return removalOrder
    .map((kind) => targets.filter((target) => target.kind === kind))
    .filter((group) => group.length > 0);
}

/** How long one removal may block later ones, in milliseconds. A busy engine takes less. */
const stuckMs = 5_000;

/**
 * Cleans up many resources with `clean`: groups in the order of the plan, resources of one group in parallel.
 * Every failure is kept, and a failure does not stop the rest. A removal that takes longer than
 * `options.stuckMs` no longer blocks later ones; it is awaited at the end.
 *
 * Resolves to one outcome per target; never rejects.
 *
 * @param options.stuckMs - In milliseconds. Default 5 000.
 */
export async function cleanupMany<T extends Target, R>(
  targets: readonly T[],
  clean: (target: T) => Promise<R>,
  options: { readonly stuckMs?: number | undefined } = {},
): Promise<readonly TargetOutcome<T, R>[]> {
  const limit = pLimit(maxConcurrent);
  const outcomes: Promise<TargetOutcome<T, R>>[] = [];
  for (const group of planRemovals(targets)) {
    const started = group.map((target) => {
      const { promise: settled, resolve } = Promise.withResolvers<TargetOutcome<T, R>>();
      outcomes.push(settled);
      return limit(async () => {
        const cleaning = cleanOne(target, clean);
        void cleaning.then(resolve);
        await waitUnlessStuck(cleaning, options.stuckMs ?? stuckMs);
      });
    });
    await Promise.allSettled(started);
  }
  return Promise.all(outcomes);
}

/** Never rejects. */
async function cleanOne<T extends Target, R>(
  target: T,
  clean: (target: T) => Promise<R>,
): Promise<TargetOutcome<T, R>> {
  try {
    return { target, result: await clean(target) };
  } catch (error) {
    return { target, error };
  }
}

async function waitUnlessStuck(work: Promise<unknown>, timeoutMs: number): Promise<void> {
  // Rejects only with a DeadlineError, when the removal is stuck.
  await Promise.allSettled([withTimeout(work, { what: 'wait before the next removals', timeoutMs })]);
}
