import type { ChildProcess } from 'node:child_process';
import { processWide } from '../core/global-state';
import { endGroup, hasMembers, killGroup, listMembers, type EndableGroup } from './end-group';

/** The events of a process group. */
export interface GroupEvents {
  /** The leader has ended; these processes of the group still run. */
  readonly onSurvivors: (pids: readonly number[]) => void;
  /** No process of the group is left. */
  readonly onEnd: () => void;
}

/** A child process and its descendants, except those that leave the group. */
export class ProcessGroup implements EndableGroup {
  readonly id: number;
  readonly #leader: ChildProcess;
  readonly #events: GroupEvents;
  #hasExited = false;
  #stopping: Promise<void> | undefined;

  /** @param leader - A new child process, spawned `detached` where the platform has groups. */
  constructor(leader: ChildProcess & { readonly pid: number }, events: GroupEvents) {
    this.#leader = leader;
    this.#events = events;
    this.id = leader.pid;
    liveGroups().add(this);
    leader.once('exit', () => {
      // Checked at once: the kernel may reuse the number of an empty group.
      if (this.isAlive()) events.onSurvivors(listMembers(this.id));
    });
  }

  isAlive(): boolean {
    if (!this.#hasExited && !this.#exists()) {
      this.#hasExited = true;
      liveGroups().delete(this);
      this.#events.onEnd();
    }
    return !this.#hasExited;
  }

  /** @throws Error `EPERM` when every process of the group belongs to another user. */
  kill(signal: NodeJS.Signals): void {
    if (this.isAlive()) killGroup(this.id, signal);
  }

  /** Sends SIGKILL, and ignores a refusal. */
  killQuietly(): void {
    try {
      this.kill('SIGKILL');
    } catch {
      // EPERM: it belongs to another user. `stop` reports that; at the exit, the next group has to be killed too.
    }
  }

  /**
   * Sends SIGTERM, then SIGKILL after `graceMs`. Resolves when no process of the group is left. All callers
   * share one stop.
   *
   * @param hurry - Ends the grace when it aborts.
   * @throws CastoffError `CLEANUP_FAILED` when a process survives.
   */
  async stop(what: string, graceMs: number, hurry?: AbortSignal): Promise<void> {
    const stopped = new AbortController();
    const kill = (): void => this.killQuietly();
    if (hurry?.aborted) kill();
    hurry?.addEventListener('abort', kill, { once: true, signal: stopped.signal });
    try {
      await (this.#stopping ??= endGroup(this, { what, graceMs }));
    } finally {
      stopped.abort();
    }
  }

  #exists(): boolean {
    const { exitCode, signalCode } = this.#leader;
    return (exitCode === null && signalCode === null) || hasMembers(this.id);
  }
}

/** The groups that are killed when this process exits without closing its scopes. */
const liveGroups = (): Set<ProcessGroup> =>
  processWide('process groups', () => {
    const groups = new Set<ProcessGroup>();
    process.on('exit', () => {
      for (const group of groups) group.killQuietly();
    });
    return groups;
  });
