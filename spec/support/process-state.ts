import { readFileSync } from 'node:fs';

/** Whether there is such a process, other than one that has ended and waits to be collected. */
export function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !/^\) [ZX]/.test(stat.slice(stat.lastIndexOf(')')));
  } catch {
    return false; // ENOENT, ESRCH: it has ended.
  }
}
