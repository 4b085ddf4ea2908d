import { CastoffError, errorCodes, type ErrorCode } from '../core/errors';

/** An error as JSON, for another process. */
export interface SerializedError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string | undefined;
  readonly code?: string | undefined;
}

/** Longer messages and stacks are cut, in characters. */
const maxTextLength = 64 * 1_024;

/** Converts any thrown value to JSON for another process. */
export function serializeError(error: unknown): SerializedError {
  const isObject = typeof error === 'object' && error !== null;
  const read = (name: string): string | undefined => {
    const value: unknown = isObject ? Reflect.get(error, name) : undefined;
    return typeof value === 'string' ? value.slice(0, maxTextLength) : undefined;
  };
  return {
    name: read('name') ?? 'Error',
    message: read('message') ?? String(error).slice(0, maxTextLength),
    stack: read('stack'),
    code: read('code'),
  };
}

/** Returns an error with the original name, message, code and stack. */
export function deserializeError({ name, message, stack, code }: SerializedError): Error {
  const isCastoffCode = code !== undefined && code in errorCodes;
  const error = isCastoffCode ? new CastoffError(code as ErrorCode, message) : new Error(message);
  Object.defineProperty(error, 'name', { value: name, configurable: true, writable: true });
  if (stack !== undefined) error.stack = stack;
  return isCastoffCode || code === undefined ? error : Object.assign(error, { code });
}
