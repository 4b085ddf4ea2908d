import { RunningFile } from '../runner/running-file';
import { runFunctionInContext } from '../runner/current-context';
import { FileContexts, type TestContext } from '../runner/test-context';
import { hideOwnFrames } from '../runner/test-errors';
import {
  addToEntry,
  addToFailure,
  asTestCode,
  errorsOf,
  hasFailed,
  isTestTimeout,
  readNode,
  testsThatRan,
  type CircusBlock,
  type CircusEvent,
  type CircusState,
  type CircusTest,
  type FailureEvent,
  type FunctionEvent,
} from './circus';
import { installBridge } from './install-bridge';
import { runInContexts } from './run-in-contexts';

/** A running test file of Jest. It follows the events of jest-circus. */
export class TestFile extends RunningFile<CircusBlock | CircusTest> {
  #started: { readonly test: CircusTest; readonly atMs: number } | undefined;

  /** @param name - Path relative to the project's folder. */
  constructor(name: string, path: string) {
    super(new FileContexts({ name, path, read: readNode }));
  }

  /** Sets the jest-runtime that the file runs in. */
  setRuntime(runtime: unknown): void {
    this.runAsHook = (work) => asTestCode(runtime, work);
  }

  /** Makes `castoff/jest` work in the sandbox of the file. */
  exposeBridge(sandbox: object): void {
    installBridge(sandbox, this.attachedRun);
  }

  /** Measures the function of a test. One that runs concurrently has no duration of its own. */
  measure({ name, test }: FunctionEvent): void {
    const nowMs = performance.now();
    if (name === 'test_fn_start')
      this.#started = test.concurrent === true ? undefined : { test, atMs: nowMs };
    else if (this.#started?.test === test)
      this.recordDuration(this.contexts.of(test), nowMs - this.#started.atMs);
  }

  /** Adds where it waits to the error of a test or hook that has timed out. */
  async explainHang(event: FailureEvent, state: CircusState): Promise<void> {
    const { test, describeBlock } = event;
    const node = test ?? describeBlock;
    if (node === undefined) return;
    const text = await this.explainHangOf(this.contexts.of(node));
    if (text !== undefined) addToFailure(event, state, text);
  }

  /** Follows an event. Resolves when the scope that it ends has closed; `undefined` if there is none. */
  follow(event: CircusEvent, state: CircusState): Promise<void> | undefined {
    const context = this.#follow(event, state);
    if (context === undefined || !this.recordEnd(context, { hasFailed: hasFailed(event, state) }))
      return undefined;
    return this.#end(context, event, state);
  }

  #follow(event: CircusEvent, { rootDescribeBlock }: CircusState): TestContext | undefined {
    switch (event.name) {
      case 'run_start':
        runInContexts(rootDescribeBlock, this.contexts, runFunctionInContext);
        return undefined;
      case 'run_describe_start':
        this.contexts.enter(event.describeBlock);
        return undefined;
      case 'test_start':
        this.contexts.enter(event.test);
        return undefined;
      case 'test_done':
      case 'test_skip':
      case 'test_todo':
        return this.contexts.leave(event.test);
      case 'run_describe_finish':
        // The file ends later, after its own hooks.
        return event.describeBlock.parent === undefined
          ? undefined
          : this.contexts.leave(event.describeBlock);
      case 'run_finish':
        return this.contexts.file;
    }
  }

  async #end(context: TestContext, event: CircusEvent, state: CircusState): Promise<void> {
    if ('test' in event) {
      const { errors } = event.test;
      if (event.name === 'test_done') {
        errors.flatMap(errorsOf).forEach(hideOwnFrames);
        this.#explainTimeout(context, event.test, state);
        const text = errors.length === 0 ? undefined : await this.describeContainers(context);
        if (text !== undefined) errors[0] = addToEntry(errors[0], text);
      }
      // Errors of a client whose server is removed now belong to this test.
      state.currentlyRunningTest = event.test;
      event.test.errors.push(...(await this.close(context)));
      state.currentlyRunningTest = null;
      return;
    }
    const errors = await this.close(context);
    if ('describeBlock' in event) {
      for (const test of testsThatRan(event.describeBlock)) test.errors.push(...errors);
    } else {
      state.unhandledErrors.flatMap(errorsOf).forEach(hideOwnFrames);
      state.unhandledErrors.push(...errors);
    }
  }

  #explainTimeout(context: TestContext, { errors, timeout }: CircusTest, { testTimeout }: CircusState): void {
    const limitMs = timeout ?? testTimeout;
    const index = errors.findIndex(isTestTimeout);
    if (index < 0 || limitMs === undefined) return;
    const text = this.explainTimeout(context, limitMs);
    if (text !== undefined) errors[index] = addToEntry(errors[index], text);
  }
}
