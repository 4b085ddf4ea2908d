import { formatDuration } from '../core/durations';
import { processWide } from '../core/global-state';

/** An item that a closing scope waits for. */
export interface FinalizerUnderWay {
  /** `close scope orders` */
  readonly close: string;
  /** The name of the item: `stop the clock`. */
  readonly what: string;
  readonly source: string | undefined;
  readonly sinceMs: number;
}

const finalizers = (): Set<FinalizerUnderWay> =>
  processWide('finalizers under way', () => new Set<FinalizerUnderWay>());

/** Lists `finalizer` in {@link finalizersUnderWay} until the returned function is called. */
export function trackFinalizer(finalizer: FinalizerUnderWay): () => void {
  finalizers().add(finalizer);
  return () => void finalizers().delete(finalizer);
}

/** Returns the items that closing scopes of this process wait for. */
export function finalizersUnderWay(): readonly FinalizerUnderWay[] {
  return [...finalizers()];
}

/** Formats an item: `close scope orders has been waiting for stop the clock (a.test.js:3) for 4.8 s`. */
export function describeFinalizer(
  { close, what, source, sinceMs }: FinalizerUnderWay,
  nowMs: number,
): string {
  const line = source === undefined ? '' : ` (${source})`;
  return `${close} has been waiting for ${what}${line} for ${formatDuration(nowMs - sinceMs)}`;
}
