import { firstSourceLine, ownFolder } from '../core/source-line';

/** Enough frames between a test and its request: dockerode, testcontainers, helpers, one per `await`. */
const maxFrames = 100;

/**
 * Returns the user's line on the current stack, async frames included, as `file:line` relative to the working
 * directory: preferably of `testFile`, the running test file. `undefined` if the stack has none.
 */
export function userLineHere(testFile?: string): string | undefined {
  const stack = stackHere(maxFrames);
  return stack === undefined ? undefined : userLineIn(stack, testFile);
}

/**
 * Returns the line of the first frame in the test file, else outside Node, packages and castoff.
 *
 * @param castoff - castoff's own folder.
 * @param folder - The folder that paths are relative to.
 */
export function userLineIn(
  stack: string,
  testFile?: string,
  castoff = ownFolder,
  folder = process.cwd(),
): string | undefined {
  const frames = stack.split('\n').filter((frame) => !/[\\/]node_modules[\\/]|\bnode:/.test(frame));
  const inTestFile = testFile === undefined ? [] : frames.filter((frame) => frame.includes(`${testFile}:`));
  return (
    firstSourceLine(inTestFile.join('\n'), folder, castoff) ??
    firstSourceLine(frames.join('\n'), folder, castoff)
  );
}

/** Returns the current stack of at most `depth` frames; `undefined` if `prepareStackTrace` gives no text. */
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
