import type { ChildProcess } from 'node:child_process';
import { warnCapture } from '../core/warnings';
import { interceptSpawns } from '../commands/intercept-spawns';
import { argsForLaunch, type Insertion, type CommandLine } from '../commands/launch';

/** Called before a docker command runs; returns arguments to insert. `waitForExit` resolves at its exit. */
export type OnCommand = (line: CommandLine, waitForExit: () => Promise<unknown>) => Insertion | undefined;

/** Calls `onCommand` before each docker command that runs asynchronously. Returns a function that stops it. */
export function watchSpawns(onCommand: OnCommand): () => void {
  return interceptSpawns((options, child) => {
    const { file, args = [], envPairs = [], cwd } = options;
    if (typeof file !== 'string') return;
    try {
      const launch = { file, args, cwd, env: () => envOf(envPairs) };
      const newArgs = argsForLaunch(launch, (line) => onCommand(line, () => exitOf(child)));
      if (newArgs !== args) options.args = newArgs;
    } catch (error) {
      warnCapture(`track the command ${file}`, error, 'it runs unchanged');
    }
  });
}

/** Resolves at the exit or failed start. A listener for `error` would hide an unhandled one from the user. */
function exitOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => child.once('exit', () => resolve()).once('close', () => resolve()));
}

function envOf(pairs: readonly string[]): CommandLine['env'] {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}
