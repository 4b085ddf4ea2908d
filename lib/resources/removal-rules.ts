import type { Engine } from '../engine/engine';
import type { Inspection } from './kind';

/** What castoff asks of a removal in somebody's absence: nobody is there to see that the wrong thing goes. */
export interface RemovalRules {
  /** The engine, where the caller has a connection to it: it may be away at the moment. */
  readonly connection?: Engine | undefined;
  /**
   * Whether what carries these labels is what was meant, asked of every look at it: right before each removal of what has a name
   * only, which may have come to stand for another thing. That other one stays, and the one that was meant counts as gone. What
   * has an id has the labels of its listing for ever.
   */
  readonly matchesTarget?:
    | ((labels: Readonly<Record<string, string>>, inspection: Pick<Inspection, 'createdAt'>) => boolean)
    | undefined;
  /** The identity that it had when it was taken: another one under its name stays, and the one that was meant counts as gone. */
  readonly identity?: string | undefined;
  /** Whether the caller lists afterwards what is there: the engine's word that it is done is enough then. Default false. */
  readonly verify?: boolean | undefined;
  /** So many removals are sent at the most. Default: as many as the time allows. */
  readonly maxRemovals?: number | undefined;
  /** How long an unanswered call is waited for, in milliseconds. Default: a sixth of the time limit, 5 000 at the most. */
  readonly callTimeoutMs?: number | undefined;
  /** Once it aborts nothing more is sent; what was sent is seen to its end. */
  readonly stop?: AbortSignal | undefined;
}
