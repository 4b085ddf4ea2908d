import { processWide } from '../core/global-state';
import type { RunEnd } from '../verdict/verdict';
import type { RunClient } from './run-client';

/** A run of tests, in the process that opened it. */
export interface Run extends RunClient {
  /**
   * The path of the socket at which workers join, if the run takes any: accessible to this user only; a named pipe
   * on Windows.
   */
  readonly address: string;
  /** Whether the run has contacted an engine, or is about to. */
  readonly isInUse: boolean;
  /** Whether a reaper removes the run's resources when this process dies. May block the process for 2 s. */
  readonly isHeld: boolean;
  /** Whether the run is closing or closed. */
  readonly isEnding: boolean;
  /**
   * Starts the end of the run: from now on, the engine may leave requests unanswered for 10 s. Returns a
   * signal that aborts, with a reason, when it has. Idempotent.
   */
  startEnd(): AbortSignal;
  /** Resolves when no worker is connected to the run. */
  whenIdle(): Promise<void>;
  /**
   * Ends the run: refuses new resources, removes shared fixtures, the last one first, waits for the cleanup
   * of dead workers, closes the session except for kept resources, and lists what is left on the engine.
   *
   * Never rejects: the result contains all failures. Idempotent: all callers share one result. Contacts no
   * engine if the run has not used one.
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

/** Returns the open run of this process and thread; `undefined` when this process opened none. */
export function currentRun(): Run | undefined {
  return slot().run;
}

/**
 * Returns the client of the run of this process or thread: the run that it opened, or the one that it joined.
 */
export function currentRunClient(): RunClient | undefined {
  return slot().run ?? slot().joined;
}

/** Whether this process has ever opened a run. */
export function hadRun(): boolean {
  return slot().hadRun;
}

/** Sets the open run of this process; `undefined` when it has closed. */
export function setCurrentRun(run: Run | undefined): void {
  slot().run = run;
  slot().hadRun = true;
}

/** Sets the run that this process or thread has joined; `undefined` when it has left. */
export function setCurrentRunClient(client: RunClient | undefined): void {
  slot().joined = client;
}
