import type { ChildProcess } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { deadline } from '../core/deadline';
import { CastoffError } from '../core/errors';
import { processWide } from '../core/global-state';
import { retryWithBackoff, RetryableError } from '../core/retry';
import { parseStatFields } from './proc-stat';
import { readText } from './system-file';

/** Windows has no process groups: there, a command is stopped without the processes that it started. */
export const hasGroups = process.platform !== 'win32';

/** SIGKILL cannot be ignored, but takes time on a busy machine. */
const killTimeoutMs = 5_000;

/** A child process and its descendants, except those that leave the group. */
export class ProcessGroup {
  readonly #leader: ChildProcess;
  readonly #pid: number;
  #hasExited = false;
  #stopping: Promise<void> | undefined;

  /** @param leader - A new child process, spawned `detached` where the platform has groups. */
  constructor(leader: ChildProcess & { readonly pid: number }) {
    this.#leader = leader;
    this.#pid = leader.pid;
    liveGroups().add(this);
    // Checked at once: the kernel may reuse the number of an empty group.
    leader.once('exit', () => void this.isAlive());
  }

  isAlive(): boolean {
    if (!this.#hasExited && !this.#exists()) {
      this.#hasExited = true;
      liveGroups().delete(this);
    }
    return !this.#hasExited;
  }

  /** @throws Error `EPERM` when every process of the group belongs to another user. */
  kill(signal: NodeJS.Signals): void {
    if (!this.isAlive()) return;
    try {
      process.kill(hasGroups ? -this.#pid : this.#pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }

  killAtExit(): void {
    try {
      this.kill('SIGKILL');
    } catch {
      // EPERM: it belongs to another user. The process is exiting, and the next group has to be killed too.
    }
  }

  /**
   * Sends SIGTERM, then SIGKILL after `graceMs`. Resolves when no process of the group is left. All callers
   * share one stop.
   *
   * @throws CastoffError `CLEANUP_FAILED` when a process survives.
   */
  stop(what: string, graceMs: number): Promise<void> {
    return (this.#stopping ??= this.#stop(what, graceMs));
  }

  async #stop(what: string, graceMs: number): Promise<void> {
    this.kill('SIGTERM');
    if (await this.#exitsWithin(graceMs)) return;
    this.kill('SIGKILL');
    if (await this.#exitsWithin(killTimeoutMs)) return;
    throw new CastoffError(
      'CLEANUP_FAILED',
      `stop ${what}: processes of group ${this.#pid} survived SIGTERM and SIGKILL; see ps -o pid,stat,args -g ${this.#pid}`,
    );
  }

  async #exitsWithin(timeoutMs: number): Promise<boolean> {
    const signal = deadline(timeoutMs, { what: 'wait for the exit' });
    const check = async (): Promise<void> => {
      if (this.isAlive()) throw new RetryableError();
    };
    // Rejects at the deadline; the final check below decides.
    await Promise.allSettled([retryWithBackoff(check, { firstPauseMs: 2, maxPauseMs: 25, signal })]);
    return !this.isAlive();
  }

  #exists(): boolean {
    const { exitCode, signalCode } = this.#leader;
    if (exitCode === null && signalCode === null) return true;
    if (!hasGroups || !processExists(-this.#pid)) return false;
    // The kernel does not give a live group's number to a process: if a process has it, the group was empty.
    if (processExists(this.#pid)) return false;
    return hasLiveMembers(this.#pid);
  }
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

/** Whether a process of the group is more than a zombie, which process 1 of a container may never reap. */
function hasLiveMembers(group: number): boolean {
  if (process.platform !== 'linux') return true;
  return readdirSync('/proc').some((name) => {
    const stat = /^\d+$/.test(name) ? readText(`/proc/${name}/stat`) : undefined;
    return stat !== undefined && isLiveMember(stat, group);
  });
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

/** The groups that are killed when this process exits without closing its scopes. */
const liveGroups = (): Set<ProcessGroup> =>
  processWide('process groups', () => {
    const groups = new Set<ProcessGroup>();
    process.on('exit', () => {
      for (const group of groups) group.killAtExit();
    });
    return groups;
  });
