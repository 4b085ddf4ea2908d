import { readFileSync, readdirSync } from 'node:fs';

/** Returns the running child processes of `pid`. */
export function childrenOf(pid: number): readonly { readonly pid: number; readonly command: string }[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((child) => child > 0 && parentOf(child) === pid)
    .map((child) => ({ pid: child, command: readProc(child, 'cmdline').replaceAll('\0', ' ') }));
}

/**
 * Returns the fourth field; the second, in brackets, may contain any character.
 *
 * @see proc(5), /proc/pid/stat
 */
function parentOf(pid: number): number {
  const [, rest = ''] = /\) \S (.*)/.exec(readProc(pid, 'stat')) ?? [];
  return Number.parseInt(rest, 10);
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return ''; // ENOENT, ESRCH: it has ended since /proc was listed.
  }
}
