import { setTimeout as delay } from 'node:timers/promises';
import { cutText } from '../core/cut-text';
import { listProcesses, readProcessFacts, withDescendants, type ProcessFacts } from './process-facts';
import { readText } from './system-file';

/** A process that a process of a group has started and that has left the group. */
export interface Stray {
  readonly pid: number;
  /** Its command line. */
  readonly command: string;
  readonly isAlive: () => boolean;
}

const maxCommandChars = 80;
/** A stray may end because its parent has ended. In milliseconds. */
const patienceMs = 250;
const pauseMs = 25;

/**
 * Lists the living descendants of a group's processes that have left the group, by `setsid` as a rule. Those whose
 * parent has ended already are not found; on platforms without `/proc`, none are.
 */
export function listStrays(group: number): readonly Stray[] {
  if (process.platform !== 'linux') return [];
  const all = listProcesses();
  const members = all.filter((one) => one.group === group).map(({ pid }) => pid);
  const found = withDescendants(members, all);
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

function describeStray({ pid, start }: ProcessFacts): Stray {
  const line = (readText(`/proc/${pid}/cmdline`) ?? '').replaceAll('\0', ' ').trim();
  return {
    pid,
    command: cutText(line, maxCommandChars),
    isAlive: () => readProcessFacts(pid)?.start === start,
  };
}
