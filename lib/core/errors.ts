import { safeLinesForLog } from './safe-text';

/** Every code that a castoff error can carry, and when. Match on the code: `instanceof` fails across Jest's realms. */
export const errorCodes = {
  CONFIG_INVALID: 'an argument, option or environment variable cannot be used as given',
  ENGINE_UNREACHABLE: 'no Docker or Podman engine answered, or one stopped answering',
  ENGINE_REFUSED: 'the engine answered, and its answer was no',
  DEADLINE_EXCEEDED: 'a time limit ran out',
  CLEANUP_FAILED: 'something is still there, or could not be seen to be gone',
  SCOPE_CLOSED: 'something was given to a scope that is closing or closed',
  START_FAILED: 'something that a scope was to start did not start; what was half made has been removed',
  LEAKS_FOUND: 'a run has left behind what its tests neither gave to a scope nor removed',
  TASK_STUCK: 'a task did not end although its scope told it to',
  COMMAND_FAILED: 'a command could not be started, ended with another exit code than 0, or was stopped',
  REAPER_UNAVAILABLE: 'no reaper could be started in the way that was asked for',
  REAPER_PROTOCOL: 'a reaper refused a request, or answered what cannot be understood',
} as const;

export type ErrorCode = keyof typeof errorCodes;

export interface CastoffErrorOptions {
  readonly cause?: unknown;
  /** The failures that this one is made of, where there are several. */
  readonly errors?: readonly unknown[] | undefined;
}

/** An error with a stable `code`; it keeps its `cause`, and all of its `errors` where several things failed. */
export class CastoffError extends Error {
  readonly code: ErrorCode;
  declare readonly errors?: readonly unknown[];

  constructor(code: ErrorCode, message: string, options: CastoffErrorOptions = {}) {
    // It quotes names, labels and what engines and commands have said.
    super(safeLinesForLog(message), 'cause' in options ? { cause: options.cause } : undefined);
    this.name = new.target.name;
    this.code = code;
    if (options.errors !== undefined) this.errors = options.errors;
  }
}

/** Whether `value` is an error of castoff, with that `code` if one is given. Holds across realms and copies of the package. */
export function isCastoffError(value: unknown, code?: ErrorCode): value is CastoffError {
  if (typeof value !== 'object' || value === null || !('code' in value)) return false;
  const found = value.code;
  return typeof found === 'string' && found in errorCodes && (code === undefined || found === code);
}

/** The first line of what `error` says, whatever was thrown. */
export function messageOf(error: unknown): string {
  if (
    typeof error === 'object' &&
    error !== null &&
    'message' in error &&
    typeof error.message === 'string'
  ) {
    const [firstLine = ''] = error.message.split('\n');
    if (firstLine !== '') return firstLine.trim();
  }
  if (typeof error === 'object' && error !== null && 'code' in error) return String(error.code);
  return String(error);
}

/** `error` itself, or one that says what else was thrown. */
export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error), { cause: error });
}
