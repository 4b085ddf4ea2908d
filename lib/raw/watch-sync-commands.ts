import childProcess from 'node:child_process';
import { syncBuiltinESMExports } from 'node:module';
import { fileURLToPath } from 'node:url';
import { argsForLaunch, type Launch } from './launch';
import { warnRaw } from './warn';
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
    (call: OwnCall, args: readonly unknown[]): unknown =>
      call(argumentsSeen(read, args, see));
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

function argumentsSeen(
  read: (args: readonly unknown[]) => SyncCall | undefined,
  args: readonly unknown[],
  see: SeeCommand,
): readonly unknown[] {
  try {
    const call = read(args);
    if (call === undefined) return args;
    // While it runs nothing else does: whoever hears of its end hears of it afterwards.
    const given = argsForLaunch(call.launch, (line) => see(line, () => Promise.resolve()));
    return given === call.launch.args ? args : call.argumentsWith(given);
  } catch (error) {
    warnRaw(`look at the command ${String(args[0])}`, error);
    return args;
  }
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
