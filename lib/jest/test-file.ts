import { installBridge } from '../runner/install-bridge';
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
  readNode,
  testsThatRan,
  type CircusBlock,
  type CircusEvent,
  type CircusHook,
  type CircusState,
  type CircusTest,
  type FailureEvent,
  type FunctionEvent,
} from './circus';
import { replacedError } from './replaced-error';
import { runInContexts } from './run-in-contexts';

/** A running test file of Jest. It follows the events of jest-circus. */
export class TestFile extends RunningFile<CircusBlock | CircusTest> {
  /** The start of each function that is running, by its test or hook. */
  readonly #startedAtMs = new Map<CircusHook | CircusTest, number>();

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
    installBridge(sandbox, this.attachedRun, refuse);
  }

  /** Measures the function of a test or hook. */
  measure({ name, hook, test }: FunctionEvent): void {
    const one = hook ?? test;
    if (one === undefined) return;
    const startedAtMs = this.#startedAtMs.get(one);
    if (!name.endsWith('start')) {
      this.#startedAtMs.delete(one);
      const context = this.#measured(hook, test);
      const node = test ?? hook?.parent;
      if (name.endsWith('success') && node !== undefined) this.contexts.of(node).running = undefined;
      if (startedAtMs !== undefined && context !== undefined)
        this.recordDuration(context, performance.now() - startedAtMs, hook && nameHook(hook));
      // Jest 29 calls the functions of concurrent tests before it reports their start.
    } else if (hook !== undefined || test === undefined || this.contexts.of(test).running === undefined)
      this.#startedAtMs.set(one, performance.now());
  }

  /** Adds to the error of a test or hook that has timed out whether it hangs, and where it waits. */
  async explainTimeout(event: FailureEvent, state: CircusState): Promise<void> {
    const { hook, test, describeBlock } = event;
    const node = test ?? describeBlock;
    if (node === undefined) return;
    const limitMs = (hook ?? test)?.timeout ?? state.testTimeout;
    const measured = this.#measured(hook, test);
    const texts = [
      limitMs === undefined || measured === undefined
        ? undefined
        : this.judgeTimeout(measured, limitMs, hook && nameHook(hook)),
      await this.explainHangOf(this.contexts.of(node), hook?.type === 'afterAll'),
    ];
    for (const text of texts) if (text !== undefined) addToFailure(event, state, text);
  }

  /** Returns the context that the history of a test or hook belongs to; `undefined` if it has none. */
  #measured(hook: CircusHook | undefined, test: CircusTest | undefined): TestContext | undefined {
    const node = hook === undefined ? test : hook.parent;
    return node && this.contexts.of(node);
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
}

/** Returns the name of a hook among those of its block: `beforeEach 2`. */
function nameHook(hook: CircusHook): string {
  const alike = hook.parent?.hooks.filter(({ type }) => type === hook.type) ?? [];
  return `${hook.type} ${alike.indexOf(hook) + 1}`;
}

function refuse(): never {
  throw replacedError('setup', 'globalSetup');
}
