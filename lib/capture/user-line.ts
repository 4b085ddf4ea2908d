import { firstSourceLine, ownFolder } from '../core/source-line';

/** Deep enough for all that lies between a test and the request: dockerode, testcontainers, helpers, each `await` a frame. */
const maxFrames = 100;

/**
 * Where the user's code stands that led to here: `file:line`, the file relative to the working directory; `undefined`: the stack does
 * not say. Its calls that are waited for count as well.
 *
 * @param testFile - The path of the test file that runs: its line says more than that of a function which many tests call.
 */
export function userLineHere(testFile?: string): string | undefined {
  const stack = stackHere(maxFrames);
  return stack === undefined ? undefined : userLineIn(stack, testFile);
}

/** The same of another stack. */
export function userLineIn(stack: string, testFile?: string): string | undefined {
  return userLineOf(stack, { castoff: ownFolder, folder: process.cwd(), testFile });
}

export interface StackFrames {
  /** castoff's own folder. */
  readonly castoff: string;
  /** What paths are relative to. */
  readonly folder: string;
  readonly testFile?: string | undefined;
}

/** The first frame of `stack` in the test file; else the first that is neither Node's, nor of a package, nor castoff's own. */
export function userLineOf(stack: string, { castoff, folder, testFile }: StackFrames): string | undefined {
  const frames = stack.split('\n').filter((frame) => !/[\\/]node_modules[\\/]|\bnode:/.test(frame));
  const inTestFile = testFile === undefined ? [] : frames.filter((frame) => frame.includes(`${testFile}:`));
  return (
    firstSourceLine(inTestFile.join('\n'), folder, castoff) ??
    firstSourceLine(frames.join('\n'), folder, castoff)
  );
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
