import type { Labels } from '../core/labels';
import { AsyncLocalStorage } from 'node:async_hooks';
import { processWide } from '../core/global-state';

/** The start that the current code belongs to. Resources created by that code carry its labels. */
export interface StartContext {
  /** The key of its entry in the registry. */
  readonly key: string;
  readonly labels: Labels;
  /** Whether it is a command of a scope, which does not watch what the command creates. Default false. */
  readonly isCommand?: boolean | undefined;
}

interface StartContexts {
  readonly storage: AsyncLocalStorage<StartContext>;
  /** How many watches label engine requests. */
  watches: number;
}

const contexts = (): StartContexts =>
  processWide('start contexts', () => ({ storage: new AsyncLocalStorage<StartContext>(), watches: 0 }));

/** Runs `work`, including its asynchronous continuations, as part of a start. Returns its result. */
export function runInStart<T>(context: StartContext, work: () => T): T {
  return contexts().storage.run(context, work);
}

/** Returns the start that the calling code belongs to, if any. */
export function currentStart(): StartContext | undefined {
  return contexts().storage.getStore();
}

/**
 * Records that engine requests made during a start are labelled automatically, including those for networks
 * and images, which testcontainers creates without custom labels. Returns a function that reverts this.
 */
export function markRequestsLabelled(): () => void {
  contexts().watches += 1;
  let isReverted = false;
  return () => {
    if (!isReverted) contexts().watches -= 1;
    isReverted = true;
  };
}

/** Whether engine requests made in {@link runInStart} carry the labels of the start. */
export function areRequestsLabelled(): boolean {
  return contexts().watches > 0;
}
