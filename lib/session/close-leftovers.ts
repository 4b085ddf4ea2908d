import type { BoundedLabels } from '../core/bounds';
import { cleanupFailed } from '../core/errors';
import { isReaper, labelNames } from '../core/labels';
import { warn } from '../core/warnings';
import { timeouts } from '../core/timeouts';
import type { Engine } from '../engine/engine';
import { claimedLabels } from '../registry/claims';
import { cleanupByLabel, type LabelCleanupOptions } from '../resources/cleanup-by-label';
import type { UnclearTarget } from '../resources/list-owned';

/** The options of {@link closeLeftovers}. */
export type CloseLeftoversOptions = Pick<LabelCleanupOptions, 'isSpared' | 'recorded' | 'signal'>;

/**
 * Removes all resources that carry the session's label, or that this process claims, and that no scope has
 * removed.
 *
 * Keeps a resource that may have inherited its labels from an image, and warns about it.
 *
 * @param options.isSpared - Whether to keep a resource with these labels. Default: keep reapers.
 * @param options.recorded - The resources whose ids their creators have recorded.
 * @param options.signal - Stops the cleanup.
 * @throws CastoffError `CLEANUP_FAILED` with all failures in `errors`.
 */
export async function closeLeftovers(
  engine: Engine,
  session: string,
  { isSpared = isReaper, recorded, signal }: CloseLeftoversOptions = {},
): Promise<void> {
  const errors: unknown[] = [];
  const unclear = new Map<string, UnclearTarget>();
  const own: BoundedLabels = { labels: [`${labelNames.session}=${session}`] };
  for (const { labels, bounds } of [own, ...claimedLabels()]) {
    try {
      signal?.throwIfAborted();
      const cleanup = await cleanupByLabel(engine, labels, {
        timeoutMs: timeouts.cleanupMs,
        bounds,
        isSpared,
        recorded,
        signal,
      });
      for (const one of cleanup.unclear) unclear.set(`${one.target.kind} ${one.target.id}`, one);
      errors.push(...cleanup.errors);
    } catch (error) {
      errors.push(error);
    }
  }
  for (const one of unclear.values()) warnUnclear(session, one);
  if (errors.length === 0) return;
  const what = `${errors.length} failures while removing resources without a scope`;
  throw cleanupFailed(`close session ${session}: ${what}`, errors);
}

function warnUnclear(session: string, { target: { kind, id, name }, reason }: UnclearTarget): void {
  warn(
    'CASTOFF_KEPT',
    `kept ${kind} ${name === '' ? id : name}, which carries the labels of session ${session}: ${reason}`,
  );
}
