import { AsyncLocalStorage } from 'node:async_hooks';
import { processWide } from '../core/global-state';

/**
 * The resources that docker commands of a task create, by their keys in the registry. They belong to the scope of
 * the task, as those of `scope.run` do.
 */
export class TaskCreations {
  readonly #keys: string[] = [];
  #isTaken = false;

  /** Adds a resource, unless the scope has already removed those of the task. */
  add(key: string): void {
    if (!this.#isTaken) this.#keys.push(key);
  }

  /** Returns the resources added so far, and takes no more. */
  take(): readonly string[] {
    this.#isTaken = true;
    return this.#keys.splice(0);
  }
}

const storage = (): AsyncLocalStorage<TaskCreations> =>
  processWide('task creations', () => new AsyncLocalStorage<TaskCreations>());

/** Runs the work of a task, with everything that it starts. Returns its result. */
export function runInTask<T>(creations: TaskCreations, work: () => T): T {
  return storage().run(creations, work);
}

/** Returns the creations of the task that the calling code belongs to, if any. */
export function currentTaskCreations(): TaskCreations | undefined {
  return storage().getStore();
}
