import type * as ChildProcess from 'node:child_process';
import { syncBuiltinESMExports } from 'node:module';
import { coreModule } from '../core/pristine';
import { warnCapture } from '../core/warnings';
import { argsForLaunch } from '../commands/launch';
import { readFileCall, readTextCall, type SyncCall } from './sync-call';
import { watchFunction, type OriginalCall } from './watch-function';
import type { OnCommand } from './watch-spawns';

/** Calls `onCommand` before each docker command that runs synchronously. Returns a function that stops it. */
export function watchSyncCommands(onCommand: OnCommand): () => void {
  const watched =
    (read: (args: readonly unknown[]) => SyncCall | undefined) =>
    (call: OriginalCall, args: readonly unknown[]): unknown => {
      const intercepted = interceptCall(read, args, onCommand);
      try {
        return call(intercepted.args);
      } catch (error) {
        if (intercepted.texts !== undefined) hideInsertion(error, intercepted.texts);
        throw error;
      }
    };
  const childProcess = coreModule('child_process') as typeof ChildProcess;
  const stops = [
    watchFunction(childProcess, 'spawnSync', watched(readFileCall)),
    watchFunction(childProcess, 'execFileSync', watched(readFileCall)),
    watchFunction(childProcess, 'execSync', watched(readTextCall)),
  ];
  // ES modules that import by name have copies of the functions.
  syncBuiltinESMExports();
  return () => {
    for (const stop of stops) stop();
    syncBuiltinESMExports();
  };
}

interface InterceptedCall {
  readonly args: readonly unknown[];
  /** The command with and without castoff's insertion. */
  readonly texts?: CommandTexts | undefined;
}

interface CommandTexts {
  readonly actual: string;
  readonly original: string;
}

/** Restores the user's command in the error: Node includes the command in its message and stack. */
function hideInsertion(error: unknown, { actual, original }: CommandTexts): void {
  if (typeof error !== 'object' || error === null) return;
  for (const key of ['message', 'stack']) {
    const text: unknown = Reflect.get(error, key);
    // `Reflect.set` ignores a read-only property.
    if (typeof text === 'string')
      Reflect.set(
        error,
        key,
        text.replace(actual, () => original),
      );
  }
}

function interceptCall(
  read: (args: readonly unknown[]) => SyncCall | undefined,
  args: readonly unknown[],
  onCommand: OnCommand,
): InterceptedCall {
  try {
    const call = read(args);
    if (call === undefined) return { args };
    // The call blocks, so a promise that is already resolved is only handled after the command has exited.
    const newArgs = argsForLaunch(call.launch, (line) => onCommand(line, () => Promise.resolve()));
    if (newArgs === call.launch.args) return { args };
    const texts = { actual: commandText(newArgs), original: commandText(call.launch.args) };
    return { args: call.argumentsWith(newArgs), texts };
  } catch (error) {
    warnCapture(`track the command ${String(args[0])}`, error, 'it runs unchanged');
    return { args };
  }
}

/** Returns the command as Node's message shows it, without `argv[0]` or the shell. */
function commandText(args: readonly string[]): string {
  return args[1] === '-c' ? (args[2] ?? '') : args.slice(1).join(' ');
}
