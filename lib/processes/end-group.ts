import { readdirSync } from 'node:fs';
import { deadline } from '../core/deadline';
import { CastoffError } from '../core/errors';
import type { Owner } from '../core/labels';
import { retryWithBackoff, RetryableError } from '../core/retry';
import { isStillAlive, proveOwnersHere } from './owner';
import { parseStatFields } from './proc-stat';
import { readText } from './system-file';

/** Windows has no process groups: there, a process is ended without those that it started. */
export const hasGroups = process.platform !== 'win32';

/** SIGKILL cannot be ignored, but takes time on a busy machine. */
const killTimeoutMs = 5_000;

/** A process group, as its end needs it. */
export interface EndableGroup {
  /** Its number: the pid of its leader. */
  readonly id: number;
  isAlive(): boolean;
  /** Does nothing when no process of the group is left. */
  kill(signal: NodeJS.Signals): void;
}

/** How a group is ended. */
export interface GroupEnding {
  /** For the error: `command npm start`. */
  readonly what: string;
  /** Time between SIGTERM and SIGKILL, in milliseconds. */
  readonly graceMs: number;
  /** Stops the wait, and sends no further signal. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Sends SIGTERM, then SIGKILL after `graceMs`. Resolves when no process of the group is left.
 *
 * @throws CastoffError `CLEANUP_FAILED` when a process survives; Error `EPERM`; the signal's reason.
 */
export async function endGroup(group: EndableGroup, { what, graceMs, signal }: GroupEnding): Promise<void> {
  group.kill('SIGTERM');
  if (await exitsWithin(group, graceMs, signal)) return;
  group.kill('SIGKILL');
  if (await exitsWithin(group, killTimeoutMs, signal)) return;
  throw new CastoffError(
    'CLEANUP_FAILED',
    `stop ${what}: processes of group ${group.id} survived SIGTERM and SIGKILL; see ps -o pid,stat,args -g ${group.id}`,
  );
}

async function exitsWithin(
  group: EndableGroup,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const limit = deadline(timeoutMs, { what: 'wait for the exit', signal });
  const check = async (): Promise<void> => {
    if (group.isAlive()) throw new RetryableError();
  };
  // Rejects at the deadline; the final check below decides.
  await Promise.allSettled([retryWithBackoff(check, { firstPauseMs: 2, maxPauseMs: 25, signal: limit })]);
  if (!group.isAlive()) return true;
  signal?.throwIfAborted();
  return false;
}

/**
 * Ends the group of a process that another process of this machine started, if the process is proven to be in
 * it: the same pid, start and boot. Resolves to whether it was.
 *
 * @throws CastoffError `CLEANUP_FAILED` when a process survives; Error `EPERM`; the reason of the signal.
 */
export async function endGroupOf(member: Owner, group: number, ending: GroupEnding): Promise<boolean> {
  const isLeader = member.pid === group;
  if (proveOwnersHere()(member).state !== 'alive') return false;
  if (!isLeader && groupOf(member.pid) !== group) return false;
  const isAlive = (): boolean => (isLeader && isStillAlive(member)) || hasMembers(group);
  const kill = (signal: NodeJS.Signals): void => {
    if (isAlive()) killGroup(group, signal);
  };
  await endGroup({ id: group, isAlive, kill }, ending);
  return true;
}

/** @throws Error `EPERM` when every process of the group belongs to another user. */
export function killGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(hasGroups ? -group : group, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Whether a group whose leader has ended has live processes, and is still the group of that leader. */
export function hasMembers(group: number): boolean {
  if (!hasGroups || !processExists(-group)) return false;
  // The kernel does not give a live group's number to a process: if a live process has it, the group was empty. A
  // leader that its parent has not reaped is a zombie.
  if (processExists(group) && !isDeadLeader(group)) return false;
  // Zombies count for the kernel, and process 1 of a container may never reap them.
  return process.platform !== 'linux' || listMembers(group).length > 0;
}

/** Returns the pids of the live processes of a group; none on platforms without `/proc`. */
export function listMembers(group: number): readonly number[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && isLiveMember(readText(`/proc/${name}/stat`) ?? '', group))
    .map(Number);
}

/**
 * Whether `stat`, the text of `/proc/pid/stat`, is of a live process in `group`.
 *
 * @see proc(5), /proc/pid/stat: 3 state, 5 pgrp
 */
export function isLiveMember(stat: string, group: number): boolean {
  const [state, , pgrp] = parseStatFields(stat);
  return Number(pgrp) === group && state !== 'Z' && state !== 'X';
}

/** Whether a process is the leader of its group, and has ended. */
function isDeadLeader(pid: number): boolean {
  const [state, , group] = parseStatFields(readText(`/proc/${pid}/stat`) ?? '');
  return (state === 'Z' || state === 'X') && Number(group) === pid;
}

function groupOf(pid: number): number {
  const [, , pgrp] = parseStatFields(readText(`/proc/${pid}/stat`) ?? '');
  return Number(pgrp);
}

/** Whether a process exists; a group, for a negative number. Zombies count. @see kill(2) */
function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it belongs to another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
