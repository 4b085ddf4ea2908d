import type * as ChildProcess from 'node:child_process';
import { syncBuiltinESMExports } from 'node:module';
import { fileURLToPath } from 'node:url';
import { coreModule } from '../core/pristine';
import { warnCapture } from '../core/warnings';
import { argsForLaunch, type Launch } from '../commands/launch';
import { watchFunction, type OriginalCall } from './watch-function';
import type { OnCommand } from './watch-spawns';

interface SyncOptions {
  readonly shell?: unknown;
  readonly argv0?: unknown;
  readonly env?: CommandEnv | null | undefined;
  readonly cwd?: string | URL | null | undefined;
}

type CommandEnv = Readonly<Record<string, string | undefined>>;

/** A call of one of the functions, which can be repeated with other arguments for the process. */
interface SyncCall {
  readonly launch: Launch;
  argumentsWith(args: readonly string[]): readonly unknown[];
}

/**
 * Calls `onCommand` before each docker command run by `spawnSync`, `execFileSync` or `execSync`, which Jest
 * sandboxes share. Returns a function that stops it.
 */
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

/** Parses `spawnSync(file, args?, options?)` or `execFileSync`; `undefined` if Node would reject it. */
function readFileCall([file, second, third]: readonly unknown[]): SyncCall | undefined {
  const isList = Array.isArray(second);
  const args: readonly unknown[] = isList ? second : [];
  const options = isList || second == null ? third : second;
  if (typeof file !== 'string' || !isOptions(options) || !args.every(isText)) return undefined;
  const { shell, argv0 } = options ?? {};
  if (shell) return readShellCall([file, ...args].join(' '), options, (text) => [text, [], options]);
  return {
    launch: { file, args: [isText(argv0) ? argv0 : file, ...args], ...envAndCwd(options) },
    argumentsWith: (newArgs) => [file, newArgs.slice(1), options],
  };
}

function readTextCall([text, options]: readonly unknown[]): SyncCall | undefined {
  if (typeof text !== 'string' || !isOptions(options)) return undefined;
  return readShellCall(text, options, (newText) => [newText, options]);
}

/** @see Node.js, `child_process`: "Shell requirements", "Default Windows shell" */
function readShellCall(
  text: string,
  options: SyncOptions | null | undefined,
  argumentsWith: (text: string) => readonly unknown[],
): SyncCall {
  const { shell } = options ?? {};
  const file = isText(shell) ? shell : process.platform === 'win32' ? 'cmd.exe' : '/bin/sh';
  return {
    launch: { file, args: [file, '-c', text], ...envAndCwd(options) },
    argumentsWith: (newArgs) => argumentsWith(newArgs[2] ?? text),
  };
}

function envAndCwd(options: SyncOptions | null | undefined): Pick<Launch, 'env' | 'cwd'> {
  const { env, cwd } = options ?? {};
  const folder = cwd == null || isText(cwd) ? cwd : fileURLToPath(cwd);
  return { env: () => env ?? process.env, cwd: folder ?? undefined };
}

function isOptions(options: unknown): options is SyncOptions | null | undefined {
  return options == null || typeof options === 'object';
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}
