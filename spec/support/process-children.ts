import { readFileSync, readdirSync } from 'node:fs';
import { parseStatFields } from '../../lib/registry/proc-stat';

/** Returns the running child processes of `pid`. */
export function childrenOf(pid: number): readonly { readonly pid: number; readonly command: string }[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((child) => child > 0 && parentOf(child) === pid)
    .map((child) => ({ pid: child, command: readProc(child, 'cmdline').replaceAll('\0', ' ') }));
}

/** @see proc(5), /proc/pid/stat: 4 ppid */
function parentOf(pid: number): number {
  const [, parent = ''] = parseStatFields(readProc(pid, 'stat'));
  return Number.parseInt(parent, 10);
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return ''; // ENOENT, ESRCH: it has ended since /proc was listed.
  }
}
