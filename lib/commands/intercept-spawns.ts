import type { ChildProcess } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';

/** The options that Node passes to the `spawn` method of a new ChildProcess, and reads when that returns. */
export interface SpawnOptions {
  readonly file?: unknown;
  args?: readonly string[] | undefined;
  /** Each `NAME=value`. */
  readonly envPairs?: readonly string[] | undefined;
  readonly cwd?: string | undefined;
}

/**
 * Calls `intercept` before each process that this process spawns asynchronously. Returns a function that stops
 * it.
 *
 * @param intercept - May change the arguments in the options; must not throw.
 * @see Node.js, `diagnostics_channel`: `child_process` publishes each ChildProcess before it is spawned
 */
export function interceptSpawns(intercept: (options: SpawnOptions, child: ChildProcess) => void): () => void {
  const onChild = (message: unknown): void => {
    const child = (
      message as { readonly process: ChildProcess & { spawn?: (options: SpawnOptions) => unknown } }
    ).process;
    const { spawn } = child;
    if (typeof spawn !== 'function') return;
    child.spawn = function interceptedSpawn(options: SpawnOptions) {
      child.spawn = spawn;
      intercept(options, child);
      return Reflect.apply(spawn, child, [options]);
    };
  };
  subscribe('child_process', onChild);
  return () => void unsubscribe('child_process', onChild);
}
