import { setVariable } from '../core/environment';
import { processWide } from '../core/global-state';
import { providedKey } from './provided-key';
import { VitestFile } from './test-file';
import {
  isIsolated,
  type RunnerClass,
  type TaskFunctions,
  type VitestRunner,
  type VitestTest,
} from './user-vitest';

/** The process of a worker, which runs several test files unless each has its own. */
interface Worker {
  /** Files whose leaks are judged when the worker ends, because they share modules. */
  readonly files: VitestFile[];
  /** Cleanups of Vitest's fixtures of the worker. */
  readonly cleanups: Promise<unknown>[];
}

const worker = (): Worker => processWide('vitest worker', () => ({ files: [], cleanups: [] }));

/**
 * Returns a test runner of Vitest that does what `Base` does, in castoff's run.
 *
 * @param realm - The global object that test files run in.
 */
export function watchRunner(
  Base: RunnerClass,
  functions: TaskFunctions,
  realm: typeof globalThis,
): RunnerClass {
  return class extends Base {
    constructor(...args: ConstructorParameters<RunnerClass>) {
      super(...args);
      const address = functions.inject(providedKey);
      // `vitest list` opens no run.
      if (typeof address !== 'string') return;
      // Workers of Vitest 3 keep the variables of the first run of a watch.
      setVariable('CASTOFF_RUN', address);
      instrument(this, functions, realm, isIsolated(args[0]));
    }
  };
}

function instrument(
  runner: VitestRunner,
  { getFn, getHooks }: TaskFunctions,
  realm: typeof globalThis,
  hasOwnWorker: boolean,
): void {
  let file: VitestFile | undefined;
  let cleanUpFixtures: (() => Promise<unknown>) | undefined;

  around(runner, 'onBeforeCollect', async (original, [path = '']) => {
    file = new VitestFile(runner.config.root, path);
    await file.start();
    file.exposeBridge(realm);
    await original();
  });
  const { importFile } = runner;
  runner.importFile = (path, source) => {
    const load = (): unknown => importFile.call(runner, path, source);
    return file === undefined ? load() : file.within(load);
  };
  around(runner, 'onBeforeRunSuite', async (original, suite) => {
    await original();
    file?.wrapHooks(suite, getHooks(suite) ?? {});
  });
  around(runner, 'onBeforeTryTask', async (original, test) => {
    file?.startAttempt(test);
    await original();
  });
  const { runTask } = runner;
  runner.runTask = (test) => {
    const run = runTask === undefined ? getFn(test) : () => runTask.call(runner, test);
    return file?.runTest(test, run);
  };
  let endsAfterRetry = false;
  around(runner, 'onAfterRetryTask', async (original, test) => {
    endsAfterRetry = true;
    await original();
    await file?.endAttempt(test);
  });
  around(runner, 'onTaskFinished', async (original, test) => {
    await original();
    if (!endsAfterRetry)
      endAfterHooks(test, runner.config.sequence.hooks, async () => file?.endAttempt(test));
  });
  around(runner, 'onAfterRunTask', async (original, test) => {
    file?.endTest(test);
    await original();
  });
  around(runner, 'onAfterRunSuite', async (original, suite) => {
    await original();
    // Vitest 3 has sent the result.
    if (await file?.endSuite(suite)) await runner.onTaskUpdate?.([[suite.id, suite.result, suite.meta]], []);
  });
  around(runner, 'onAfterRunFiles', async (original) => {
    await original();
    if (file === undefined) return;
    worker().files.push(file);
    if (!hasOwnWorker && cleanUpFixtures !== undefined) return;
    // Rejects again when Vitest calls it.
    await Promise.allSettled([cleanUpFixtures?.()]);
    await endFiles();
  });
  const { onCleanupWorkerContext } = runner;
  if (onCleanupWorkerContext === undefined) return;
  runner.onCleanupWorkerContext = (cleanup) => {
    let running: Promise<unknown> | undefined;
    cleanUpFixtures = () => (running ??= Promise.resolve(cleanup()));
    const endWorker = async (): Promise<void> => {
      const { cleanups } = worker();
      cleanups.push(cleanUpFixtures?.() ?? Promise.resolve());
      await Promise.allSettled(cleanups);
      await endFiles();
      await running;
    };
    return onCleanupWorkerContext.call(runner, endWorker);
  };
}

/** Judges the handles and leaks of the files that have run. */
async function endFiles(): Promise<void> {
  for (const file of worker().files.splice(0)) {
    await file.reportHandles();
    await file.end();
  }
}

/**
 * Calls `end` after all hooks of an attempt of a test, its `onTestFinished` and `onTestFailed` included: Vitest 3
 * has no event for that.
 *
 * @param sequence - Order of the hooks: `stack`, `list` or `parallel`.
 */
function endAfterHooks(test: VitestTest, sequence: string | undefined, end: () => Promise<unknown>): void {
  const endOrWait = (): unknown => {
    const { onFailed = [], result } = test;
    if (result?.state !== 'fail' || onFailed.length === 0) return end();
    return void (test.onFailed = sequence === 'stack' ? [end, ...onFailed] : [...onFailed, end]);
  };
  // They run from the last to the first.
  test.onFinished = [endOrWait, ...(test.onFinished ?? [])];
}

type Events = Omit<
  VitestRunner,
  'config' | 'importFile' | 'runTask' | 'onTaskUpdate' | 'onCleanupWorkerContext'
>;
type Argument<Name extends keyof Events> = Parameters<NonNullable<Events[Name]>>[0];

/** Replaces the handler of an event. `handle` gets a function that calls the original one. */
function around<Name extends keyof Events>(
  runner: VitestRunner,
  name: Name,
  handle: (original: () => Promise<unknown>, argument: Argument<Name>) => Promise<void>,
): void {
  const handler = runner[name] as ((...args: readonly unknown[]) => unknown) | undefined;
  const replacement = (...args: readonly unknown[]): Promise<void> =>
    handle(async () => handler?.apply(runner, args as unknown[]), args[0] as Argument<Name>);
  Object.defineProperty(runner, name, {
    value: replacement,
    configurable: true,
    enumerable: true,
    writable: true,
  });
}
