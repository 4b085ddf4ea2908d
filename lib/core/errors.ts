import { safeLinesForLog } from './safe-text';

/** All error codes and their meaning. Match on the code: `instanceof` fails across Jest's realms. */
export const errorCodes = {
  CONFIG_INVALID: 'an argument, option or environment variable is not valid',
  ENGINE_UNREACHABLE: 'no Docker or Podman engine answered, or the connection to it failed',
  ENGINE_REFUSED: 'the engine answered with an error',
  DEADLINE_EXCEEDED: 'a timeout expired',
  CLEANUP_FAILED: 'a resource still exists, or its removal could not be verified',
  SCOPE_CLOSED: 'a scope was given something while closing or closed',
  START_FAILED: 'a start failed; what it had created has been removed',
  LEAKS_FOUND:
    'a test run left resources that its tests neither gave to a scope nor removed, or code left handles open',
  TASK_STUCK: 'a task kept running after its signal aborted',
  COMMAND_FAILED: 'a command could not be started, exited with a code other than 0, or was stopped',
  REAPER_UNAVAILABLE: 'the requested reaper could not be started, or did not accept the lease',
  REAPER_PROTOCOL: 'a reaper rejected a request, or sent a response that cannot be parsed',
} as const;

/** A code in {@link errorCodes}. */
export type ErrorCode = keyof typeof errorCodes;

/** The causes of a {@link CastoffError}. */
export interface CastoffErrorOptions {
  readonly cause?: unknown;
  /** The individual failures, where several operations failed. */
  readonly errors?: readonly unknown[] | undefined;
}

/**
 * An error with a stable `code`, its `cause`, and the individual `errors` where several operations failed.
 */
export class CastoffError extends Error {
  readonly code: ErrorCode;
  declare readonly errors?: readonly unknown[];

  constructor(code: ErrorCode, message: string, options: CastoffErrorOptions = {}) {
    // The message quotes names, labels, and output of engines and commands.
    super(safeLinesForLog(message), 'cause' in options ? { cause: options.cause } : undefined);
    this.name = new.target.name;
    this.code = code;
    if (options.errors !== undefined) this.errors = options.errors;
  }
}

/**
 * Returns whether `value` is a castoff error, with that `code` if one is given. Works across realms and
 * copies of the package.
 */
export function isCastoffError(value: unknown, code?: ErrorCode): value is CastoffError {
  const actual = readField(value, 'code');
  return typeof actual === 'string' && actual in errorCodes && (code === undefined || actual === code);
}

/** Returns the first line of the error's message, of any thrown value. */
export function messageOf(error: unknown): string {
  const message = readField(error, 'message');
  const [firstLine = ''] = typeof message === 'string' ? message.split('\n') : [];
  if (firstLine !== '') return firstLine.trim();
  return textOf(readField(error, 'code') ?? error);
}

/** Returns a field of any thrown value: reading it may throw, too. */
export function readField(value: unknown, name: string): unknown {
  try {
    return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
  } catch {
    // Thrown by a getter or a proxy: as if it had no such field.
    return undefined;
  }
}

function textOf(value: unknown): string {
  try {
    return String(value);
  } catch {
    // Thrown by its `toString`, or because it has none.
    return `a thrown ${typeof value} without text`;
  }
}

/**
 * Returns the message of `error` as lines: all of it for an error of castoff, which may list others; else the
 * first line.
 */
export function messageLines(error: unknown): readonly string[] {
  const message = isCastoffError(error) ? readField(error, 'message') : undefined;
  return typeof message === 'string' ? message.split('\n') : [messageOf(error)];
}

/** Returns a `CLEANUP_FAILED` error with `errors`, whose messages follow `message`, indented. */
export function cleanupFailed(message: string, errors: readonly unknown[]): CastoffError {
  const lines = [message, ...errors.flatMap(messageLines).map((line) => `  ${line}`)];
  return new CastoffError('CLEANUP_FAILED', lines.join('\n'), { cause: errors[0], errors });
}

/**
 * Throws `errors`; returns when there are none.
 *
 * @param message - The first line for several errors.
 * @throws the only one of `errors`; CastoffError `CLEANUP_FAILED` with several in `errors`.
 */
export function throwAll(message: string, errors: readonly unknown[]): void {
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw cleanupFailed(message, errors);
}

/** Returns `error`, or wraps a thrown value that is not an `Error`. */
export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(textOf(error), { cause: error });
}
