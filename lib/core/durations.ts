import { CastoffError } from './errors';

/** `850 ms`, `2.3 s`, `4 min 10 s`, `3 h 2 min`, `5 d 1 h`: for people to read. */
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

/** The longest time that a Node timer can hold; a longer one would fire at once. */
export const maxTimerMs = 2 ** 31 - 1;

/** Lets a time limit pass, or throws `CONFIG_INVALID` naming the option and what was got. */
export function checkDuration(option: string, ms: number): number {
  if (typeof ms === 'number' && ms >= 0 && ms <= maxTimerMs) return ms;
  throw new CastoffError(
    'CONFIG_INVALID',
    `${option}: got ${String(ms)}; give milliseconds from 0 to ${maxTimerMs}`,
  );
}
