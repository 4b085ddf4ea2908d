import type * as ChildProcess from 'node:child_process';
import { syncBuiltinESMExports } from 'node:module';
import { fileURLToPath } from 'node:url';
import { coreModule } from '../core/pristine';
import { argsForLaunch, type Launch } from './launch';
import { warnCapture } from './warn';
import { watchFunction, type OwnCall } from './watch-function';
import type { SeeCommand } from './watch-spawns';

/** What matters here of the options of Node's functions. */
interface SyncOptions {
  readonly shell?: unknown;
  readonly argv0?: unknown;
  readonly env?: CommandEnv | null | undefined;
  readonly cwd?: string | URL | null | undefined;
}

type CommandEnv = Readonly<Record<string, string | undefined>>;

/** A call of one of the functions, and how it is made with other arguments for the process. */
interface SyncCall {
  readonly launch: Launch;
  argumentsWith(args: readonly string[]): readonly unknown[];
}

/**
 * Has `see` look at every docker command that `spawnSync`, `execFileSync` or `execSync` is about to run; sandboxes of Jest have the same
 * functions. Returns what ends that.
 */
export function watchSyncCommands(see: SeeCommand): () => void {
  const watched =
    (read: (args: readonly unknown[]) => SyncCall | undefined) =>
    (call: OwnCall, args: readonly unknown[]): unknown => {
      const seen = argumentsSeen(read, args, see);
      try {
        return call(seen.args);
      } catch (error) {
        if (seen.words !== undefined) hideWords(error, seen.words);
        throw error;
      }
    };
  const childProcess = coreModule('child_process') as typeof ChildProcess;
  const stops = [
    watchFunction(childProcess, 'spawnSync', watched(readFileCall)),
    watchFunction(childProcess, 'execFileSync', watched(readFileCall)),
    watchFunction(childProcess, 'execSync', watched(readTextCall)),
  ];
  // What ES modules import by name are copies.
  syncBuiltinESMExports();
  return () => {
    for (const stop of stops) stop();
    syncBuiltinESMExports();
  };
}

interface SeenArguments {
  readonly args: readonly unknown[];
  /** The command as it is run, and as it was given. */
  readonly words?: { readonly run: string; readonly given: string } | undefined;
}

/** Node puts the command into the message of its error, which is the user's to read. */
function hideWords(error: unknown, { run, given }: { readonly run: string; readonly given: string }): void {
  if (typeof error !== 'object' || error === null) return;
  for (const key of ['message', 'stack']) {
    const text: unknown = Reflect.get(error, key);
    // Where it cannot be changed, it stays as it is.
    if (typeof text === 'string')
      Reflect.set(
        error,
        key,
        text.replace(run, () => given),
      );
  }
}

function argumentsSeen(
  read: (args: readonly unknown[]) => SyncCall | undefined,
  args: readonly unknown[],
  see: SeeCommand,
): SeenArguments {
  try {
    const call = read(args);
    if (call === undefined) return { args };
    // While it runs nothing else does: whoever hears of its end hears of it afterwards.
    const given = argsForLaunch(call.launch, (line) => see(line, () => Promise.resolve()));
    if (given === call.launch.args) return { args };
    const words = { run: wordsOf(given), given: wordsOf(call.launch.args) };
    return { args: call.argumentsWith(given), words };
  } catch (error) {
    warnCapture(`look at the command ${String(args[0])}`, error, 'it runs as it is');
    return { args };
  }
}

/** As they stand in Node's message: without the command's own name, or a shell's. */
function wordsOf(args: readonly string[]): string {
  return args[1] === '-c' ? (args[2] ?? '') : args.slice(1).join(' ');
}

/** `spawnSync(file, args?, options?)`, and `execFileSync`; `undefined`: nothing that Node would run. */
function readFileCall(given: readonly unknown[]): SyncCall | undefined {
  const [file, second, third] = given;
  const isList = Array.isArray(second);
  const args: readonly unknown[] = isList ? second : [];
  const options = isList || second == null ? third : second;
  if (typeof file !== 'string' || !isOptions(options) || !args.every(isText)) return undefined;
  const { shell, argv0 } = options ?? {};
  if (shell) return readShellCall([file, ...args].join(' '), options, (text) => [text, [], options]);
  return {
    launch: { file, args: [isText(argv0) ? argv0 : file, ...args], ...surroundings(options) },
    argumentsWith: (own) => [file, own.slice(1), options],
  };
}

/** `execSync(text, options?)`. */
function readTextCall([text, options]: readonly unknown[]): SyncCall | undefined {
  if (typeof text !== 'string' || !isOptions(options)) return undefined;
  return readShellCall(text, options, (own) => [own, options]);
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
    launch: { file, args: [file, '-c', text], ...surroundings(options) },
    argumentsWith: (own) => argumentsWith(own[2] ?? text),
  };
}

function surroundings(options: SyncOptions | null | undefined): Pick<Launch, 'env' | 'cwd'> {
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
