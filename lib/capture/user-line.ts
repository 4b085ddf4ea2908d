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
 * The frame that runs a module as it loads; below it are frames of the code that requires the module.
 *
 * @see jest-runtime, `_execModule` of `Runtime`, in 30.5 `exec` of `ModuleExecutor`
 * @see Vitest, `runModule` of `VitestExecutor`; in Vitest 4 `_runInlinedModule` of `VitestModuleEvaluator`
 */
const loaderFrame =
  /\b(?:_execModule|exec) \(.*[\\/]jest-runtime[\\/]|\bVitestExecutor\.runModule \(|\b_runInlinedModule \(|\bnode:internal[\\/]modules[\\/]/;

/**
 * Returns the line of the first frame in the test file, else outside Node, packages and castoff. Code that runs as
 * its module loads has its own line, and not that of the test file that loads it.
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
  let first: string | undefined;
  for (const frame of stack.split('\n')) {
    if (first !== undefined && loaderFrame.test(frame)) break;
    if (/[\\/]node_modules[\\/]|\bnode:/.test(frame)) continue;
    const line = firstSourceLine(frame, folder, castoff);
    if (line === undefined) continue;
    if (testFile === undefined || frame.includes(`${testFile}:`)) return line;
    first ??= line;
  }
  return first;
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
