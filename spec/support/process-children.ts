import { parseStatFields } from '../../lib/processes/proc-stat';
import { listPids, readProc } from './proc';

/** Returns the running child processes of `pid`. */
export function childrenOf(pid: number): readonly { readonly pid: number; readonly command: string }[] {
  return listPids()
    .filter((child) => parentOf(child) === pid)
    .map((child) => ({ pid: child, command: readProc(child, 'cmdline').replaceAll('\0', ' ') }));
}

/** Returns the ids of the processes in the process group of `leader`. */
export function membersOf(leader: number): readonly number[] {
  return listPids().filter((pid) => groupOf(pid) === leader);
}

/** @see proc(5), /proc/pid/stat: 4 ppid */
function parentOf(pid: number): number {
  const [, parent = ''] = parseStatFields(readProc(pid, 'stat'));
  return Number.parseInt(parent, 10);
}

/** @see proc(5), /proc/pid/stat: 5 pgrp */
function groupOf(pid: number): number {
  const [, , group = ''] = parseStatFields(readProc(pid, 'stat'));
  return Number.parseInt(group, 10);
}
