import type { CommandLine } from './docker-command';
import { isDockerCommand } from './is-docker-command';
import { insertShellWords, readShellCommand } from './shell-command';

/** A process that is about to be, as the system is asked for it. */
export interface Launch {
  readonly file: string;
  /** With the command's own name in front. */
  readonly args: readonly string[];
  env(): CommandLine['env'];
  readonly cwd?: string | undefined;
}

/** Words to be put into a command line, and before which of its own. */
export interface Insertion {
  readonly at: number;
  readonly words: readonly string[];
}

/**
 * Has `see` look at the docker command that a process is to be, or that a shell is to run in it and nothing else; the arguments for the
 * process, with the words in them that `see` returns.
 */
export function argsForLaunch(
  launch: Launch,
  see: (line: CommandLine) => Insertion | undefined,
): readonly string[] {
  const { file, args, cwd } = launch;
  if (isDockerCommand(file)) {
    const insertion = see({ file, args, env: launch.env(), cwd });
    return insertion === undefined ? args : args.toSpliced(insertion.at, 0, ...insertion.words);
  }
  const [, option, text = ''] = args;
  if (!isShell(file) || option !== '-c' || args.length !== 3 || !/docker|podman/.test(text)) return args;
  const command = readShellCommand(text);
  const [name = ''] = command?.words ?? [];
  if (command === undefined || !isDockerCommand(name)) return args;
  const insertion = see({ file: name, args: command.words, env: { ...launch.env(), ...command.env }, cwd });
  return insertion === undefined
    ? args
    : args.with(2, insertShellWords(text, command, insertion.at, insertion.words));
}

function isShell(file: string): boolean {
  return /(?:^|\/)(?:sh|bash|dash|ash)$/.test(file);
}
