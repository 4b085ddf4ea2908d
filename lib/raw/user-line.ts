import { firstSourceLine, ownFolder } from '../core/source-line';

/** Deep enough for all that lies between a test and the request: dockerode, testcontainers, helpers, each `await` a frame. */
const deepest = 100;

/**
 * Where the user's code stands that led to here: `file:line`, the file relative to the working directory; `undefined`: the stack does
 * not say. Its calls that are waited for count as well.
 */
export function userLineHere(): string | undefined {
  const stack = stackHere(deepest);
  return stack === undefined ? undefined : userLineOf(stack, ownFolder, process.cwd());
}

/** The first frame of `stack` that is neither Node's, nor of a package, nor in castoff's own folder. */
export function userLineOf(stack: string, castoff: string, folder: string): string | undefined {
  const frames = stack.split('\n').filter((frame) => !/[\\/]node_modules[\\/]|\bnode:/.test(frame));
  return firstSourceLine(frames.join('\n'), folder, castoff);
}

/** The stack, at most so deep, without this function; `undefined` where somebody has it prepared otherwise. */
export function stackHere(depth: number): string | undefined {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = depth;
  try {
    const holder: { readonly stack?: unknown } = {};
    Error.captureStackTrace(holder, stackHere);
    return typeof holder.stack === 'string' ? holder.stack : undefined;
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}
