import { CastoffError, messageOf } from '../core/errors';

/** How a command ended, or how it is with it as long as it has not. */
export interface CommandEnd {
  /** As it would be typed: `npm run 'my script'`. */
  readonly command: string;
  /** `undefined`: it could not be started. */
  readonly pid?: number | undefined;
  /** `undefined`: it has not ended, or a signal ended it. */
  readonly exitCode?: number | undefined;
  /** What ended it, if that was a signal: `SIGTERM`. */
  readonly signal?: string | undefined;
  /** The end of what it wrote to stdout and stderr, as it came, at most 64 Ki characters. */
  readonly output: string;
  readonly startedAt: Date;
  /** `undefined`: it has not ended. */
  readonly endedAt?: Date | undefined;
}

/**
 * A command did not end well (`COMMAND_FAILED`): it could not be started, or its exit code is not 0, or it was stopped, for which
 * the reason is the `cause`.
 */
export class CommandError extends CastoffError {
  readonly end: CommandEnd;

  constructor(end: CommandEnd, words: string, source: string | undefined, causes: { cause?: unknown } = {}) {
    const line = source === undefined ? '' : ` (${source})`;
    const lastLines = end.output.trimEnd().split('\n').slice(-mostLines);
    const output = end.output.trim() === '' ? [] : ['its last output:', ...lastLines.map((it) => `  ${it}`)];
    super('COMMAND_FAILED', [`run ${end.command}${line}: ${words}`, ...output].join('\n'), causes);
    this.end = end;
  }
}

const mostLines = 20;

/** Why a command that has ended by itself has failed; `undefined`: it has not. */
export function describeExit({ exitCode, signal }: CommandEnd): string | undefined {
  if (exitCode === 0) return undefined;
  return exitCode === undefined ? `ended by ${signal}` : `exit code ${exitCode}`;
}

/** @param folder - Where it was to run, where that does not exist. */
export function describeNoStart(error: unknown, folder: string | undefined): string {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return messageOf(error);
  if (folder !== undefined) return `there is no folder ${folder} to run it in (ENOENT)`;
  return 'there is no such command (ENOENT); is it installed, and its folder in PATH?';
}

/** A command as it would be typed. */
export function formatCommand(command: string, args: readonly string[]): string {
  return [command, ...args].map((word) => (plain.test(word) ? word : quote(word))).join(' ');
}

const plain = /^[\w./:=@%+,~-]+$/;

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
