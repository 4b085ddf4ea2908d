import { fileURLToPath } from 'node:url';
import type { Launch } from '../commands/launch';

interface SyncOptions {
  readonly shell?: unknown;
  readonly argv0?: unknown;
  readonly env?: CommandEnv | null | undefined;
  readonly cwd?: string | URL | null | undefined;
}

type CommandEnv = Readonly<Record<string, string | undefined>>;

/** A call of one of the functions, which can be repeated with other arguments for the process. */
export interface SyncCall {
  readonly launch: Launch;
  argumentsWith(args: readonly string[]): readonly unknown[];
}

/** Parses `spawnSync(file, args?, options?)` or `execFileSync`; `undefined` if Node would reject it. */
export function readFileCall([file, second, third]: readonly unknown[]): SyncCall | undefined {
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

/** Parses `execSync(text, options?)`; `undefined` if Node would reject it. */
export function readTextCall([text, options]: readonly unknown[]): SyncCall | undefined {
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
