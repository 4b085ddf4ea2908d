import type { GroupEvents } from '../processes/process-group';
import type { CommandCreation } from './command-creation';
import type { ReadyOptions } from './readiness';

/** Options of `scope.run`. */
export interface CommandOptions extends ReadyOptions {
  /** Working directory. Default: that of this process. */
  readonly cwd?: string | undefined;
  /** Added to this process's environment; `undefined` removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Time limit in milliseconds; the command is then stopped and fails. Default: no limit. */
  readonly timeoutMs?: number | undefined;
  /** Time between SIGTERM and SIGKILL, in milliseconds. Default 5 000. */
  readonly graceMs?: number | undefined;
}

/** A command with its options and its scope's signal. */
export interface CommandContext extends CommandOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly scopeSignal: AbortSignal;
  readonly source: string | undefined;
  /** Records its process, the leader of a new group. */
  readonly record: (pid: number) => GroupEvents;
  /** What it creates on an engine. Such a command starts once that is registered. */
  readonly creation?: CommandCreation | undefined;
}
