import { processWide } from '../core/global-state';
import type { RunEnd } from '../verdict/verdict';
import type { RunClient } from './run-client';

/** A run of tests, in the process that opened it. */
export interface Run extends RunClient {
  /** Where workers join: the path of a local socket that is this user's alone, on Windows a named pipe. */
  readonly address: string;
  /** Whether an engine has been contacted, or is being. */
  readonly isInUse: boolean;
  /** Whether a reaper removes what it has when this process dies. May block the process for 2 s. */
  readonly isHeld: boolean;
  /** Whether it is closing, or closed. */
  readonly isEnding: boolean;
  /**
   * To be called when the tests are over: from now on the engine may be silent for 10 s. Returns what aborts then, with the reason.
   * Idempotent.
   */
  beginEnd(): AbortSignal;
  /**
   * Ends the run: nothing new is created; what is shared goes, the last made first; what dead workers left is waited for; the session
   * closes, but for what is kept; then the engine is asked what is left. Never rejects: what failed is part of the end. Closes
   * once, every caller gets the same. Where nobody needed an engine none is contacted.
   */
  close(): Promise<RunEnd>;
}

interface Slot {
  run: Run | undefined;
  joined: RunClient | undefined;
  hadRun: boolean;
}

const slot = (): Slot =>
  processWide('run', (): Slot => ({ run: undefined, joined: undefined, hadRun: false }));

/** The run that this very process, and thread, has opened and not closed. */
export function currentRun(): Run | undefined {
  return slot().run;
}

/** What this process, or thread, has of the run that it works for: its own, or the one that it has joined. */
export function currentRunClient(): RunClient | undefined {
  return slot().run ?? slot().joined;
}

/** Whether this process has opened a run before. */
export function hadRun(): boolean {
  return slot().hadRun;
}

export function setCurrentRun(run: Run | undefined): void {
  slot().run = run;
  slot().hadRun = true;
}

export function setCurrentRunClient(link: RunClient | undefined): void {
  slot().joined = link;
}
