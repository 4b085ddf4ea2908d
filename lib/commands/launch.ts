import type * as shellCommand from './shell-command';

// Most processes are no shells that run docker.
const shell = () => require('./shell-command') as typeof shellCommand;

/** A command with its arguments, environment and working directory. */
export interface CommandLine {
  readonly file: string;
  /** Includes `argv[0]`. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Default: the working directory of this process. */
  readonly cwd?: string | undefined;
}

/** A process that is about to start, with the arguments passed to the operating system. */
export interface Launch extends Omit<CommandLine, 'env'> {
  env(): CommandLine['env'];
}

/** Arguments to insert into a command line before its argument number `at`. */
export interface Insertion {
  readonly at: number;
  readonly args: readonly string[];
}

/**
 * Calls `onCommand` if the process is a docker command, or a shell that runs a single one. Returns the
 * arguments for the process, including those that `onCommand` inserts.
 */
export function argsForLaunch(
  launch: Launch,
  onCommand: (line: CommandLine) => Insertion | undefined,
): readonly string[] {
  const { file, args, cwd } = launch;
  if (isDockerCommand(file)) {
    const insertion = onCommand({ file, args, env: launch.env(), cwd });
    return insertion === undefined ? args : args.toSpliced(insertion.at, 0, ...insertion.args);
  }
  const [, option, text = ''] = args;
  if (!isShell(file) || option !== '-c' || args.length !== 3 || !/docker|podman/.test(text)) return args;
  const command = shell().readShellCommand(text);
  const [name = ''] = command?.words ?? [];
  if (command === undefined || !isDockerCommand(name)) return args;
  const insertion = onCommand({
    file: name,
    args: command.words,
    env: { ...launch.env(), ...command.env },
    cwd,
  });
  return insertion === undefined
    ? args
    : args.with(2, shell().insertShellWords(text, command, insertion.at, insertion.args));
}

/** Whether `file` is docker, podman or docker-compose, whose arguments castoff parses. */
export function isDockerCommand(file: string): boolean {
  return /(?:^|[\\/])(?:docker|podman|docker-compose)(?:\.exe)?$/i.test(file);
}

function isShell(file: string): boolean {
  return /(?:^|\/)(?:sh|bash|dash|ash)$/.test(file);
}
