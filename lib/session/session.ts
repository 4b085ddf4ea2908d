import type { ReaperChoice } from '../lease/reaper-choice';
import type { Registry } from '../registry/registry';
import type { CloseReport } from '../scope/close-report';
import type { Scope } from '../scope/scope';

export interface SessionOptions {
  /** The engine's address, as `DOCKER_HOST` spells it. Default: the one that the environment names. */
  readonly engine?: string | undefined;
  /**
   * Who removes what this process leaves when it dies. Default: what `CASTOFF_REAPER` says, else `auto`: a container where the
   * image of the reaper is on the engine, else a process of this machine, and with neither a warning.
   */
  readonly reaper?: ReaperChoice | undefined;
}

/** One run: who it is to the engine, what it has there, and the scope that all of it ends with. */
export interface Session extends AsyncDisposable {
  readonly id: string;
  /** What everything that the session creates is labelled with. */
  readonly labels: Readonly<Record<string, string>>;
  readonly registry: Registry;
  readonly scope: Scope;
  /** Who holds the session's lease now, for people; `undefined`: there is no reaper. */
  readonly reaper: string | undefined;
  /**
   * Closes the scope, then gives the lease back. With the last session of the process, what no scope had and what still carries
   * the session's labels, or those that testcontainers gives to what this process creates, is removed and seen to be gone first;
   * unless another scope of the process has something left. Closes once; every caller gets the same.
   *
   * @throws CloseError, CastoffError `CLEANUP_FAILED` when something is left; the reaper goes on with it.
   */
  close(): Promise<CloseReport>;
}
