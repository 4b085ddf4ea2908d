import { parseStatFields } from '../../lib/processes/proc-stat';
import { listPids, readProc } from './proc';

/** Returns the running child processes of `pid`. */
export function childrenOf(pid: number): readonly { readonly pid: number; readonly command: string }[] {
  return listPids()
    .filter((child) => parentOf(child) === pid)
    .map((child) => ({ pid: child, command: readProc(child, 'cmdline').replaceAll('\0', ' ') }));
}

/** @see proc(5), /proc/pid/stat: 4 ppid */
function parentOf(pid: number): number {
  const [, parent = ''] = parseStatFields(readProc(pid, 'stat'));
  return Number.parseInt(parent, 10);
}
