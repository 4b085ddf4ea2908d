// What castoff reads of the parts that jest-circus loads into the sandbox; the same in Jest 29 and 30.
// @see jest-circus, `jestAdapter`

/** The part of jest-circus that runs what a test file has defined. */
interface CircusInSandbox {
  readonly runAndTransformResultsToJestFormat?: (...args: readonly unknown[]) => unknown;
}

/** The part of jest-runtime that loads it. */
interface InternalLoader {
  requireInternalModule?: (...args: readonly unknown[]) => unknown;
}

/**
 * Makes jest-circus run the tests of a file in `runOutside`: it starts timers of its own for each test. It calls
 * the functions of tests and hooks there, too, which get back into their contexts by `runInContexts`.
 *
 * @param runtime - The jest-runtime of the file.
 */
export function runTestsOutside(runtime: unknown, runOutside: <T>(work: () => T) => T): void {
  const loader = runtime as InternalLoader;
  const { requireInternalModule } = loader;
  if (requireInternalModule === undefined) return;
  loader.requireInternalModule = function (...args) {
    const loaded: unknown = Reflect.apply(requireInternalModule, this, args);
    const { runAndTransformResultsToJestFormat: run } = Object(loaded) as CircusInSandbox;
    if (run === undefined) return loaded;
    const runAndTransformResultsToJestFormat: typeof run = (...given) => runOutside(() => run(...given));
    return { ...Object(loaded), runAndTransformResultsToJestFormat };
  };
}
