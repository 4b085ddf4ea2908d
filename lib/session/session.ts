import type { Labels } from '../core/labels';
import type { ReaperChoice } from '../lease/reaper-choice';
import type { ReaperAddress } from '../lease/reaper-address';
import type { Registry } from '../registry/registry';
import type { CloseReport } from '../scope/close-report';
import type { Scope } from '../scope/scope';

/** The options of `openSession`. */
export interface SessionOptions {
  /** The engine's address, in the syntax of `DOCKER_HOST`. Default: from the environment. */
  readonly engine?: string | undefined;
  /**
   * The reaper that removes this process's resources when it dies. Default: `CASTOFF_REAPER`, otherwise
   * `auto`: a container if the engine has the reaper's image, otherwise a process on this machine; if neither
   * starts, none, with a warning. An address names a reaper that runs already, on the same engine.
   */
  readonly reaper?: ReaperChoice | ReaperAddress | undefined;
}

/** An owner of resources on an engine: its id and labels, its resources, and its root scope. */
export interface Session extends AsyncDisposable {
  readonly id: string;
  /** The labels of all resources that the session creates. */
  readonly labels: Labels;
  readonly registry: Registry;
  readonly scope: Scope;
  /** A description of the reaper that holds the session's lease now; `undefined` without a reaper. */
  readonly reaper: string | undefined;
  /**
   * Closes the scope and ends the lease.
   *
   * The last session of the process first removes, and verifies, all resources without a scope that carry the
   * session's labels or testcontainers' session label, unless another scope of the process still has
   * resources. Idempotent: all callers share one result.
   *
   * @throws CloseError, CastoffError `CLEANUP_FAILED` when resources are left; the reaper continues with
   * them.
   */
  close(): Promise<CloseReport>;
}
