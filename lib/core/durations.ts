import { CastoffError } from './errors';

/** Formats milliseconds for people: `850 ms`, `2.3 s`, `4 min 10 s`, `3 h 2 min`, `5 d 1 h`. */
export function formatDuration(ms: number): string {
  if (Math.round(ms) < 1_000) return `${Math.round(ms)} ms`;
  if (Math.round(ms / 100) < 600) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 1_440) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  const hours = Math.round(minutes / 60);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** The longest delay of a Node.js timer; a longer one fires immediately. */
export const maxTimerMs = 2 ** 31 - 1;

/**
 * Returns `ms` when it is a valid timeout.
 *
 * @param option - The option's name, for the error.
 * @throws CastoffError `CONFIG_INVALID` when `ms` is negative, not a number or longer than the longest timer.
 */
export function checkDuration(option: string, ms: number): number {
  if (typeof ms === 'number' && ms >= 0 && ms <= maxTimerMs) return ms;
  throw new CastoffError(
    'CONFIG_INVALID',
    `${option}: got ${String(ms)}; give milliseconds from 0 to ${maxTimerMs}`,
  );
}
