import { constants } from 'node:os';
import { errnoOf } from '../core/errno';

/** How a command ended: by an exit code or by a signal. */
export type CommandStatus = { readonly code: number } | { readonly signal: NodeJS.Signals };

/** Exit codes of castoff itself, as `docker run` and `env` use them. @see env(1), docker-run(1), EXIT STATUS */
export const exitCodes = {
  /** A command that succeeded leaked, or left what could not be removed. */
  leaks: 1,
  /** castoff failed before the command ran. */
  failed: 125,
  /** The command cannot be executed. */
  notExecutable: 126,
  /** The command does not exist. */
  notFound: 127,
} as const;

/** Returns the exit code for a command that could not be started. */
export function codeOfFailedStart(error: unknown): number {
  return errnoOf(error) === 'ENOENT' ? exitCodes.notFound : exitCodes.notExecutable;
}

/** Returns how castoff ends: like the command, except that a failed run ends with 1 where the command did not fail. */
export function statusAfter(command: CommandStatus, isRunFailed: boolean): CommandStatus {
  return isRunFailed && 'code' in command && command.code === 0 ? { code: exitCodes.leaks } : command;
}

/** Whether the command failed. */
export function isFailedStatus(status: CommandStatus): boolean {
  return !('code' in status) || status.code !== 0;
}

/** Signals whose default action writes a core dump: castoff's own would be of no use. @see signal(7) */
const dumping: readonly NodeJS.Signals[] = [
  'SIGABRT',
  'SIGBUS',
  'SIGFPE',
  'SIGILL',
  'SIGQUIT',
  'SIGSEGV',
  'SIGSYS',
  'SIGTRAP',
  'SIGXCPU',
  'SIGXFSZ',
];

/** Returns the exit code that a shell reports for a command that a signal ended. */
export function codeOfSignal(signal: NodeJS.Signals): number {
  return 128 + (constants.signals[signal] ?? 0);
}

/**
 * Returns how this process ends for that status: by the same signal as the command, so that a shell stops its
 * script after Ctrl-C as it does without castoff; or with 128 and the signal's number.
 */
export function endOfProcess(status: CommandStatus, platform = process.platform): CommandStatus {
  if ('code' in status) return status;
  const { signal } = status;
  return platform === 'win32' || dumping.includes(signal) ? { code: codeOfSignal(signal) } : { signal };
}
