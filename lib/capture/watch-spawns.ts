import type { ChildProcess } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { warnCapture } from '../core/warnings';
import { argsForLaunch, type Insertion, type CommandLine } from '../commands/launch';

/**
 * Called with a docker command that is about to run. Returns the arguments to insert. `waitForExit` resolves
 * when it exits.
 */
export type OnCommand = (line: CommandLine, waitForExit: () => Promise<unknown>) => Insertion | undefined;

/** The options that Node passes to the `spawn` method of a new ChildProcess. */
interface SpawnOptions {
  readonly file?: unknown;
  args?: readonly string[] | undefined;
  readonly envPairs?: readonly string[] | undefined;
  readonly cwd?: string | undefined;
}

type Spawn = (options: SpawnOptions) => unknown;

/**
 * Calls `onCommand` before each docker command that runs asynchronously. Returns a function that stops it.
 *
 * @see Node.js, `diagnostics_channel`: `child_process` publishes each ChildProcess before it is spawned
 */
export function watchSpawns(onCommand: OnCommand): () => void {
  const onChild = (message: unknown): void => {
    const child = (message as { readonly process: ChildProcess & { spawn?: Spawn } }).process;
    const spawn = child.spawn;
    if (typeof spawn !== 'function') return;
    child.spawn = function watchedSpawn(options: SpawnOptions) {
      child.spawn = spawn;
      try {
        if (typeof options.file === 'string') interceptSpawn(options.file, options, child, onCommand);
      } catch (error) {
        warnCapture(`track the command ${String(options.file)}`, error, 'it runs unchanged');
      }
      return Reflect.apply(spawn, child, [options]);
    };
  };
  subscribe('child_process', onChild);
  return () => void unsubscribe('child_process', onChild);
}

function interceptSpawn(
  file: string,
  options: SpawnOptions,
  child: ChildProcess,
  onCommand: OnCommand,
): void {
  const { args = [], envPairs = [], cwd } = options;
  const launch = { file, args, cwd, env: () => envOf(envPairs) };
  const newArgs = argsForLaunch(launch, (line) => onCommand(line, () => exitOf(child)));
  // Node reads this object next.
  if (newArgs !== args) Object.assign(options, { args: newArgs });
}

/**
 * Resolves when the command exits or could not start. A listener for `error` would hide an error that the
 * user does not handle.
 */
function exitOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => child.once('exit', () => resolve()).once('close', () => resolve()));
}

/** Parses pairs of the form `NAME=value`. */
function envOf(pairs: readonly string[]): CommandLine['env'] {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}
