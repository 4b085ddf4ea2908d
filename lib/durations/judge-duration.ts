import { formatDuration } from '../core/durations';

/** A limit that expired. */
export interface ExpiredLimit {
  /** In milliseconds. */
  readonly limitMs: number;
  /** How long the operation had run by then. Default: as long as its limit. */
  readonly elapsedMs?: number | undefined;
}

/** Fewer runs allow no claim. */
const minRuns = 5;
/** Up to this multiple of the p99, a run is within the usual variation, and the limit was too tight for it. */
const usualFactor = 1.5;
/** Added to a suggested limit: a pause of a busy machine. */
const marginMs = 500;
/** From this multiple of the p99, a run does not end any more … */
const hangFactor = 3;
/** … if it is also slower by more than a short pause of the machine. */
const pauseMs = 50;

/**
 * Judges by earlier runs of an operation why its limit expired: `p99 over 37 runs is 4.1 s, the limit was 3 s:
 * the limit looks too tight; 6.7 s would fit`, or `takes 400 ms as a rule, now 30 s: this hangs`. Between the
 * two, returns both durations without a claim. Returns `undefined` for fewer than 5 runs.
 *
 * @param durationsMs - Durations of the earlier runs that ended in time, in milliseconds, in any order.
 */
export function judgeDuration(
  durationsMs: readonly number[],
  { limitMs, elapsedMs = limitMs }: ExpiredLimit,
): string | undefined {
  const runs = durationsMs.length;
  if (runs < minRuns) return undefined;
  const sorted = durationsMs.toSorted((a, b) => a - b);
  const usualMs = percentile(sorted, 0.5);
  const p99Ms = percentile(sorted, 0.99);
  const p99 = `p99 over ${runs} runs is ${format(p99Ms)}`;
  const limit =
    elapsedMs < 0.9 * limitMs
      ? `it had ${format(elapsedMs)} of a limit of ${format(limitMs)}`
      : `the limit was ${format(limitMs)}`;
  if (elapsedMs <= usualFactor * p99Ms) {
    const fittingMs = p99Ms * usualFactor + marginMs + (limitMs - elapsedMs);
    return `${p99}, ${limit}: the limit looks too tight; ${format(fittingMs)} would fit`;
  }
  if (elapsedMs >= hangFactor * p99Ms && elapsedMs - p99Ms >= pauseMs)
    return `takes ${format(usualMs)} as a rule, now ${format(elapsedMs)}: this hangs`;
  return `${p99}, ${limit}: slower than usual`;
}

/** Returns the smallest duration that at least `share` of the runs did not exceed. */
function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
}

function format(ms: number): string {
  return formatDuration(Math.max(ms, 1)).replace(/\.0 s$/, ' s');
}
