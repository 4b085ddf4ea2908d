import type { ChildProcess } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { isDockerCommand, type CommandLine } from './docker-command';
import { warnRaw } from './warn';

/** What Node hands to the `spawn` of a new ChildProcess. */
interface SpawnOptions {
  readonly file?: unknown;
  args?: readonly string[] | undefined;
  readonly envPairs?: readonly string[] | undefined;
}

type Spawn = (options: SpawnOptions) => unknown;

/**
 * Has `see` look at every docker command before it runs; it runs with the arguments that `see` returns. Returns what ends that.
 *
 * @see Node.js, `diagnostics_channel`: `child_process` tells of a ChildProcess that has not been spawned yet
 */
export function watchSpawns(see: (child: ChildProcess, line: CommandLine) => readonly string[]): () => void {
  const onChild = (message: unknown): void => {
    const child = (message as { readonly process: ChildProcess & { spawn?: Spawn } }).process;
    const spawn = child.spawn;
    if (typeof spawn !== 'function') return;
    child.spawn = function watchedSpawn(options: SpawnOptions) {
      child.spawn = spawn;
      try {
        if (typeof options.file === 'string' && isDockerCommand(options.file)) {
          const line = { file: options.file, args: options.args ?? [], env: envOf(options.envPairs ?? []) };
          // Node owns this object, and reads it next.
          Object.assign(options, { args: see(child, line) });
        }
      } catch (error) {
        warnRaw(`look at the command ${String(options.file)}`, error);
      }
      return Reflect.apply(spawn, child, [options]);
    };
  };
  subscribe('child_process', onChild);
  return () => void unsubscribe('child_process', onChild);
}

/** `NAME=value` each. */
function envOf(pairs: readonly string[]): CommandLine['env'] {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}
