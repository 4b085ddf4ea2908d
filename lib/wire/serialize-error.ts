import { CastoffError, errorCodes, type ErrorCode } from '../core/errors';

/** An error on its way to another process. */
export interface SerializedError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string | undefined;
  readonly code?: string | undefined;
}

/** What of a message or a stack goes over a line. */
const longestText = 64 * 1_024;

/** What `error` says, whatever was thrown, for another process. */
export function serializeError(error: unknown): SerializedError {
  const isObject = typeof error === 'object' && error !== null;
  const read = (name: string): string | undefined => {
    const value: unknown = isObject ? Reflect.get(error, name) : undefined;
    return typeof value === 'string' ? value.slice(0, longestText) : undefined;
  };
  return {
    name: read('name') ?? 'Error',
    message: read('message') ?? String(error).slice(0, longestText),
    stack: read('stack'),
    code: read('code'),
  };
}

/** The error again: its words, its code, and its stack as it was where it was thrown. */
export function deserializeError({ name, message, stack, code }: SerializedError): Error {
  const isOurs = code !== undefined && code in errorCodes;
  const error = isOurs ? new CastoffError(code as ErrorCode, message) : new Error(message);
  Object.defineProperty(error, 'name', { value: name, configurable: true, writable: true });
  if (stack !== undefined) error.stack = stack;
  return isOurs || code === undefined ? error : Object.assign(error, { code });
}
