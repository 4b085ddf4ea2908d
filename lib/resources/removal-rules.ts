import type { Labels } from '../core/labels';
import type { Inspection } from './kind';

/** Rules for removals without a user present, which must not remove the wrong resource. */
export interface RemovalRules {
  /**
   * Returns whether a resource with these labels is the intended one. Checked at every inspection, right
   * before each removal of a resource without an id, whose name may have been reused. Another resource is
   * kept, and the intended one counts as gone. Labels of resources with an id never change.
   */
  readonly matchesTarget?:
    ((labels: Labels, inspection: Pick<Inspection, 'createdAt'>) => boolean) | undefined;
  /**
   * Identity at the time of registration. A resource with another identity is kept, and the intended one
   * counts as gone.
   */
  readonly identity?: string | undefined;
  /**
   * Whether to inspect after the engine reports success. Callers that list afterwards pass false. Default
   * true.
   */
  readonly verify?: boolean | undefined;
  /** Maximum number of removal requests. Default: as many as the time limit allows. */
  readonly maxRemovals?: number | undefined;
  /** Timeout of one engine call, in milliseconds. Default: a sixth of the time limit, at most 5 000. */
  readonly callTimeoutMs?: number | undefined;
  /** Once aborted, no new requests are sent; requests already sent are followed to completion. */
  readonly stop?: AbortSignal | undefined;
}
