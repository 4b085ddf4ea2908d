/**
 * The most things that one reaping of a claim may remove, over all its listings. A run has tens of things at once, a large one hundreds; a bridge takes
 * 1 023 containers. Who covers more has claimed what is not theirs.
 *
 * @see moby-ryuk#32: one session's filter, 58 volumes and 977 images of others
 */
export const defaultMaxRemovals = 1_000;

/** Why nothing of a claim is removed that covers `count` things; `undefined`: it may be. */
export function checkRemovalLimit(count: number, most: number): string | undefined {
  if (count <= most) return undefined;
  return `it covers ${count} things, and ${most} at the most may be removed; look at what carries these labels, and set CASTOFF_REAPER_MAX_REMOVALS=none if all of it is to go`;
}

/** What `CASTOFF_REAPER_MAX_REMOVALS` says: a number from 1, or `none`; `undefined` for what is neither. */
export function parseMaxRemovals(text: string): number | undefined {
  if (text === 'none') return Number.POSITIVE_INFINITY;
  const most = Number(text);
  return /^\d+$/.test(text) && Number.isSafeInteger(most) && most > 0 ? most : undefined;
}
