import type { ChildProcess } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { deadline } from '../core/deadline';
import { CastoffError } from '../core/errors';
import { processWide } from '../core/global-state';
import { retryWithBackoff, RetryableError } from '../core/retry';
import { readText } from '../registry/system-file';

/** A process with all that it starts, as long as those do not leave its group. On Windows, where there are none, that process alone. */
export const hasGroups = process.platform !== 'win32';

/** SIGKILL cannot be refused, but takes its time on a busy machine. */
const killTimeoutMs = 5_000;

export class ProcessGroup {
  readonly #leader: ChildProcess;
  readonly #pid: number;
  #hasGone = false;
  #ending: Promise<void> | undefined;

  /** @param leader - It has just been started, `detached` where there are groups. */
  constructor(leader: ChildProcess & { readonly pid: number }) {
    this.#leader = leader;
    this.#pid = leader.pid;
    killWithUs(this);
    // Its number may be another's from the moment on in which nobody has it any more.
    leader.once('exit', () => void this.isAlive());
  }

  isAlive(): boolean {
    if (!this.#hasGone && !this.#exists()) {
      this.#hasGone = true;
      liveGroups().delete(this);
    }
    return !this.#hasGone;
  }

  /** @throws Error `EPERM` when all of it belongs to another user. */
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
      // EPERM: another user's. There is no time to ask anybody, and the next one is to be killed too.
    }
  }

  /**
   * SIGTERM, and SIGKILL for what is still there after `graceMs`; resolves when nothing of it is left. Every caller gets the same.
   *
   * @throws CastoffError `CLEANUP_FAILED` when something is left.
   */
  end(what: string, graceMs: number): Promise<void> {
    return (this.#ending ??= this.#end(what, graceMs));
  }

  async #end(what: string, graceMs: number): Promise<void> {
    this.kill('SIGTERM');
    if (await this.#isGoneWithin(graceMs)) return;
    this.kill('SIGKILL');
    if (await this.#isGoneWithin(killTimeoutMs)) return;
    const words = `processes of its group ${this.#pid} are left after SIGTERM and SIGKILL`;
    throw new CastoffError(
      'CLEANUP_FAILED',
      `end ${what}: ${words}; see ps -o pid,stat,args -g ${this.#pid}`,
    );
  }

  async #isGoneWithin(timeoutMs: number): Promise<boolean> {
    const signal = deadline(timeoutMs, { what: 'a look' });
    const look = async (): Promise<void> => {
      if (this.isAlive()) throw new RetryableError();
    };
    // The deadline is no failure: what counts is how it is then.
    await Promise.allSettled([retryWithBackoff(look, { firstPauseMs: 2, maxPauseMs: 25, signal })]);
    return !this.isAlive();
  }

  #exists(): boolean {
    const { exitCode, signalCode } = this.#leader;
    if (exitCode === null && signalCode === null) return true;
    if (!hasGroups || !answersTo(-this.#pid)) return false;
    // The kernel gives a group's number to no process; where one has it, that group was gone.
    if (answersTo(this.#pid)) return false;
    return hasLiveMembers(this.#pid);
  }
}

/** Whether there is such a process; such a group, for a negative number. Zombies count. @see kill(2) */
function answersTo(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is another user's.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Whether one of the group is more than a zombie, which nobody may ever collect: in a container, process 1 may not care. */
function hasLiveMembers(group: number): boolean {
  if (process.platform !== 'linux') return true;
  return readdirSync('/proc').some((name) => {
    const stat = /^\d+$/.test(name) ? readText(`/proc/${name}/stat`) : undefined;
    return stat !== undefined && isLiveMember(stat, group);
  });
}

/** @see proc(5), /proc/pid/stat: 3 state, 5 pgrp; the second field, in brackets, may hold anything */
export function isLiveMember(stat: string, group: number): boolean {
  const [state, , pgrp] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(pgrp) === group && state !== 'Z' && state !== 'X';
}

const liveGroups = (): Set<ProcessGroup> => processWide('process groups', () => new Set<ProcessGroup>());

/** A process that exits without closing its scopes takes its commands with it, as far as it can. */
function killWithUs(group: ProcessGroup): void {
  processWide('process groups end with us', () =>
    process.on('exit', () => {
      for (const one of liveGroups()) one.killAtExit();
    }),
  );
  liveGroups().add(group);
}
