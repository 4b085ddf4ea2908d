import { readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { cutText } from '../core/cut-text';
import { parseStatFields } from './proc-stat';
import { readText } from './system-file';

/** A process that a process of a group has started and that has left the group. */
export interface Stray {
  readonly pid: number;
  /** Its command line. */
  readonly command: string;
  readonly isAlive: () => boolean;
}

interface ProcessFacts {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly start: string;
}

const maxCommandChars = 80;
/** A stray may end because its parent has ended. In milliseconds. */
const patienceMs = 250;
const pauseMs = 25;

/**
 * Lists the living descendants of a group's processes that have left the group, by `setsid` as a rule. Those whose
 * parent has ended already are not found; on platforms without `/proc`, none are.
 *
 * @see proc(5), /proc/pid/stat: 3 state, 4 ppid, 5 pgrp, 22 starttime
 */
export function listStrays(group: number): readonly Stray[] {
  if (process.platform !== 'linux') return [];
  const all = readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? readFacts(Number(name)) : []));
  const found = new Set(all.filter((one) => one.group === group).map(({ pid }) => pid));
  // A set visits what is added meanwhile.
  for (const ancestor of found) for (const { pid, parent } of all) if (parent === ancestor) found.add(pid);
  return all.filter((one) => found.has(one.pid) && one.group !== group).map(describeStray);
}

/** Resolves to the strays that are still alive shortly after their group has ended. */
export async function remainingStrays(strays: readonly Stray[]): Promise<readonly Stray[]> {
  let left = strays.filter(({ isAlive }) => isAlive());
  for (let waitedMs = 0; left.length > 0 && waitedMs < patienceMs; waitedMs += pauseMs) {
    await delay(pauseMs);
    left = left.filter(({ isAlive }) => isAlive());
  }
  return left;
}

function readFacts(pid: number): readonly ProcessFacts[] {
  const [state, parent, group, ...more] = parseStatFields(readText(`/proc/${pid}/stat`) ?? '');
  const start = more[16];
  if (start === undefined || state === 'Z' || state === 'X') return [];
  return [{ pid, parent: Number(parent), group: Number(group), start }];
}

function describeStray({ pid, start }: ProcessFacts): Stray {
  const line = (readText(`/proc/${pid}/cmdline`) ?? '').replaceAll('\0', ' ').trim();
  return {
    pid,
    command: cutText(line, maxCommandChars),
    isAlive: () => readFacts(pid).some((now) => now.start === start),
  };
}
