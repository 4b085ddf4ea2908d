import { CastoffError, messageOf } from '../core/errors';

/** Exit status of a command, or its current status while it runs. */
export interface CommandEnd {
  /** As typed in a shell: `npm run 'my script'`. */
  readonly command: string;
  /** `undefined`: it could not be started. */
  readonly pid?: number | undefined;
  /** `undefined`: it is still running, or a signal ended it. */
  readonly exitCode?: number | undefined;
  /** The signal that ended it: `SIGTERM`. */
  readonly signal?: string | undefined;
  /** The end of stdout and stderr, interleaved as they arrived; at most 64 Ki characters. */
  readonly output: string;
  readonly startedAt: Date;
  /** `undefined`: it is still running. */
  readonly endedAt?: Date | undefined;
}

/** A command did not start, failed or was stopped (`COMMAND_FAILED`); `cause` is the reason for a stop. */
export class CommandError extends CastoffError {
  readonly end: CommandEnd;

  constructor(
    end: CommandEnd,
    message: string,
    source: string | undefined,
    causes: { cause?: unknown } = {},
  ) {
    const line = source === undefined ? '' : ` (${source})`;
    const lastLines = end.output.trimEnd().split('\n').slice(-maxOutputLines);
    const output = end.output.trim() === '' ? [] : ['last output:', ...lastLines.map((it) => `  ${it}`)];
    super('COMMAND_FAILED', [`run ${end.command}${line}: ${message}`, ...output].join('\n'), causes);
    this.end = end;
  }
}

const maxOutputLines = 20;

/** Describes why a command that exited on its own failed; `undefined` when it succeeded. */
export function describeExit({ exitCode, signal }: CommandEnd): string | undefined {
  if (exitCode === 0) return undefined;
  return exitCode === undefined ? `killed by ${signal}` : `exit code ${exitCode}`;
}

/** Describes why a command could not be started. `missingFolder`: its working directory does not exist. */
export function describeSpawnError(error: unknown, missingFolder: string | undefined): string {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return messageOf(error);
  if (missingFolder !== undefined) return `the working directory ${missingFolder} does not exist (ENOENT)`;
  return 'command not found (ENOENT); install it, or add its directory to PATH';
}
