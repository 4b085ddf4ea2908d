/**
 * Maximum number of resources that one reaping removes, over all its listings. A run has tens of resources at
 * once, a large one hundreds; a bridge network takes 1 023 containers. A claim that covers more is taken for
 * a mistake.
 *
 * @see moby-ryuk#32: one session's filter, 58 volumes and 977 images of others
 */
export const defaultMaxRemovals = 1_000;

/**
 * Returns why a claim that covers `count` resources is not reaped; `undefined` if `count` is within `max`.
 */
export function checkRemovalLimit(count: number, max: number): string | undefined {
  if (count <= max) return undefined;
  return `it covers ${count} resources, more than the limit of ${max}; check what carries these labels, and set CASTOFF_REAPER_MAX_REMOVALS=none to remove all of them`;
}

/**
 * Parses `CASTOFF_REAPER_MAX_REMOVALS`: a whole number from 1, or `none` for `Infinity`; `undefined` if
 * invalid.
 */
export function parseMaxRemovals(text: string): number | undefined {
  if (text === 'none') return Number.POSITIVE_INFINITY;
  const max = Number(text);
  return /^\d+$/.test(text) && Number.isSafeInteger(max) && max > 0 ? max : undefined;
}
