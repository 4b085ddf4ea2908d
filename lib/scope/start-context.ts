import { AsyncLocalStorage } from 'node:async_hooks';
import { processWide } from '../core/global-state';

/** The start that code runs for: what it creates on the way carries these labels. */
export interface StartContext {
  /** The key of its entry in the registry. */
  readonly key: string;
  readonly labels: Readonly<Record<string, string>>;
}

const storage = (): AsyncLocalStorage<StartContext> =>
  processWide('start context', () => new AsyncLocalStorage<StartContext>());

/** Runs `work`, and all that follows from it, as part of that start. */
export function runInStart<T>(context: StartContext, work: () => T): T {
  return storage().run(context, work);
}

/** The start that the calling code runs for; `undefined`: none. */
export function currentStart(): StartContext | undefined {
  return storage().getStore();
}

const labelling = (): { watches: number } =>
  processWide('watches that label requests', () => ({ watches: 0 }));

/**
 * Has it known that what a start's code creates in this process carries the start's labels, also what takes none by itself: a
 * network, an image. Returns what ends that.
 */
export function markRequestsLabelled(): () => void {
  labelling().watches += 1;
  let isOver = false;
  return () => {
    if (!isOver) labelling().watches -= 1;
    isOver = true;
  };
}

/** Whether what the code of {@link runInStart} asks an engine for carries the start's labels. */
export function areRequestsLabelled(): boolean {
  return labelling().watches > 0;
}
