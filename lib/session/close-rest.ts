import type { BoundedLabels } from '../core/bounds';
import { CastoffError, messageOf } from '../core/errors';
import { isReaper, labelNames } from '../core/labels';
import type { Engine } from '../engine/engine';
import { claimedLabels } from '../registry/claims';
import { cleanupByLabel } from '../resources/cleanup-by-label';

const timeoutMs = 30_000;

/**
 * Removes what carries the session's label, or what else this process claims, and no scope had.
 *
 * @param isSpared - Whether what carries these labels stays. Default: a reaper does.
 * @param signal - Ends the waiting.
 * @throws CastoffError `CLEANUP_FAILED` with every failure in `errors`.
 */
export async function closeRest(
  engine: Engine,
  session: string,
  isSpared: (labels: Readonly<Record<string, string>>) => boolean = isReaper,
  signal?: AbortSignal,
): Promise<void> {
  const errors: unknown[] = [];
  const own: BoundedLabels = { labels: [`${labelNames.session}=${session}`] };
  for (const { labels, bounds } of [own, ...claimedLabels()]) {
    try {
      signal?.throwIfAborted();
      const cleanup = await cleanupByLabel(engine, labels, { timeoutMs, bounds, isSpared, signal });
      errors.push(...cleanup.errors);
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length === 0) return;
  const reasons = errors.map((error) => `  ${messageOf(error)}`).join('\n');
  throw new CastoffError(
    'CLEANUP_FAILED',
    `close session ${session}: ${errors.length} of the things that no scope had are left\n${reasons}`,
    { cause: errors[0], errors },
  );
}
