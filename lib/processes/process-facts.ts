import { readdirSync } from 'node:fs';
import { parseStatFields } from './proc-stat';
import { readText } from './system-file';

/** A live process of this machine, as `/proc` describes it. */
export interface ProcessFacts {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** In the format of `Owner.pidStart`. */
  readonly start: string;
}

/** Lists the live processes that this process can see; none on platforms without `/proc`. */
export function listProcesses(): readonly ProcessFacts[] {
  if (process.platform !== 'linux') return [];
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.flatMap((name) => readProcessFacts(Number(name)) ?? []);
}

/**
 * Describes a process; `undefined` when it has ended, also if its exit code is left.
 *
 * @see proc(5), /proc/pid/stat: 3 state, 4 ppid, 5 pgrp, 6 session, 22 starttime
 */
export function readProcessFacts(pid: number): ProcessFacts | undefined {
  const [state, parent, group, session, ...more] = parseStatFields(readText(`/proc/${pid}/stat`) ?? '');
  const start = more[15];
  if (start === undefined || state === 'Z' || state === 'X') return undefined;
  return { pid, parent: Number(parent), group: Number(group), session: Number(session), start };
}

/** Returns `pids` and the pids of their descendants in `all`. */
export function withDescendants(pids: readonly number[], all: readonly ProcessFacts[]): ReadonlySet<number> {
  const found = new Set(pids);
  // A set visits what is added meanwhile.
  for (const ancestor of found) for (const { pid, parent } of all) if (parent === ancestor) found.add(pid);
  return found;
}
