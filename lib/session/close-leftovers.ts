import type { BoundedLabels } from '../core/bounds';
import { cleanupFailed } from '../core/errors';
import { isReaper, labelNames } from '../core/labels';
import { warn } from '../core/warnings';
import { timeouts } from '../core/timeouts';
import type { Engine } from '../engine/engine';
import { claimedLabels } from '../registry/claims';
import { cleanupByLabel, type LabelCleanupOptions } from '../resources/cleanup-by-label';
import type { UnclearTarget } from '../resources/list-owned';

interface CloseLeftoversOptions extends Pick<LabelCleanupOptions, 'isSpared' | 'recorded' | 'signal'> {
  /** Whether only to remove what this process claims besides the session's label. */
  readonly isSessionClosed?: boolean | undefined;
}

/**
 * Removes all resources that carry the session's label, or that this process claims, and that no scope has
 * removed. Resolves to their number.
 *
 * Keeps a resource that may have inherited its labels from an image, and warns about it.
 *
 * @param options.isSpared - Whether to keep a resource with these labels. Default: keep reapers.
 * @throws CastoffError `CLEANUP_FAILED` with all failures in `errors`.
 */
export async function closeLeftovers(
  engine: Engine,
  session: string,
  { isSpared = isReaper, recorded, signal, isSessionClosed = false }: CloseLeftoversOptions = {},
): Promise<number> {
  const errors: unknown[] = [];
  let removed = 0;
  const unclear = new Map<string, UnclearTarget>();
  const own: BoundedLabels = { labels: [`${labelNames.session}=${session}`] };
  for (const { labels, bounds } of [...(isSessionClosed ? [] : [own]), ...claimedLabels()]) {
    try {
      const cleanup = await cleanupByLabel(engine, labels, {
        timeoutMs: timeouts.cleanupMs,
        bounds,
        isSpared,
        recorded,
        signal,
      });
      for (const one of cleanup.unclear) unclear.set(`${one.target.kind} ${one.target.id}`, one);
      errors.push(...cleanup.errors);
      removed += cleanup.results.length;
    } catch (error) {
      errors.push(error);
    }
  }
  for (const one of unclear.values()) warnUnclear(session, one);
  if (errors.length === 0) return removed;
  const what = `${errors.length} failures while removing resources without a scope`;
  throw cleanupFailed(`close session ${session}: ${what}`, errors);
}

function warnUnclear(session: string, { target: { kind, id, name }, reason }: UnclearTarget): void {
  const what = `${kind} ${name === '' ? id : name}`;
  warn('CASTOFF_KEPT', `kept ${what}, which carries the labels of session ${session}: ${reason}`);
}
