import type { ChildProcess } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { CommandLine } from './docker-command';
import { argsForLaunch, type Insertion } from './launch';
import { warnCapture } from './warn';

/** Looks at a docker command that is about to run; what it returns is put in. `ended` resolves when the command has ended. */
export type SeeCommand = (line: CommandLine, ended: () => Promise<unknown>) => Insertion | undefined;

/** What Node hands to the `spawn` of a new ChildProcess. */
interface SpawnOptions {
  readonly file?: unknown;
  args?: readonly string[] | undefined;
  readonly envPairs?: readonly string[] | undefined;
  readonly cwd?: string | undefined;
}

type Spawn = (options: SpawnOptions) => unknown;

/**
 * Has `see` look at every docker command before it runs on its own. Returns what ends that.
 *
 * @see Node.js, `diagnostics_channel`: `child_process` tells of a ChildProcess that has not been spawned yet
 */
export function watchSpawns(see: SeeCommand): () => void {
  const onChild = (message: unknown): void => {
    const child = (message as { readonly process: ChildProcess & { spawn?: Spawn } }).process;
    const spawn = child.spawn;
    if (typeof spawn !== 'function') return;
    child.spawn = function watchedSpawn(options: SpawnOptions) {
      child.spawn = spawn;
      try {
        if (typeof options.file === 'string') seeSpawn(options.file, options, child, see);
      } catch (error) {
        warnCapture(`look at the command ${String(options.file)}`, error, 'it runs as it is');
      }
      return Reflect.apply(spawn, child, [options]);
    };
  };
  subscribe('child_process', onChild);
  return () => void unsubscribe('child_process', onChild);
}

function seeSpawn(file: string, options: SpawnOptions, child: ChildProcess, see: SeeCommand): void {
  const { args = [], envPairs = [], cwd } = options;
  const launch = { file, args, cwd, env: () => envOf(envPairs) };
  const given = argsForLaunch(launch, (line) => see(line, () => endOf(child)));
  // Node owns this object, and reads it next.
  if (given !== args) Object.assign(options, { args: given });
}

/** Resolves when the command has ended, or could not be run. Its `error` is not listened for: nobody else would hear of it then. */
function endOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => child.once('exit', () => resolve()).once('close', () => resolve()));
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
