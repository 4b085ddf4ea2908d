import { print } from '../core/print';
import { messageOf } from '../core/errors';
import { hasFailed, testsThatRan, type CircusEvent, type CircusState } from './circus';
import { closeErrors } from './close-errors';
import { closeContext, type ContextEnd } from '../runner/close-context';
import { installBridge } from './file-bridge';
import { findContextScope } from '../runner/context-scopes';
import { type TestContext } from '../runner/test-context';
import { TestTree } from './test-tree';
import { PostMortems } from './post-mortems';
import { enterFile, runInContext, runFunctionInContext } from '../runner/current-context';
import { recordLeaks } from '../runner/record-leaks';
import { joinCurrentRun, type AttachedRun } from '../runner/attached-run';
import { runInContexts } from './run-in-contexts';
import { asTestCode } from './test-code';
import { hideOwnFrames } from '../runner/test-errors';

/**
 * A running test file. It follows the events of jest-circus, and closes the scope of each test, block and
 * file that ends.
 */
export class TestFile {
  readonly #tree: TestTree;
  readonly #postMortems = new PostMortems();
  readonly #removals: Promise<unknown>[] = [];
  /** Names of the contexts in which something failed. */
  readonly #failed = new Set<string>();
  #attachedRun: AttachedRun | undefined;
  /** The jest-runtime that the file runs in, if known. */
  runtime: unknown;
  #leaveFile: (() => void) | undefined;

  /** @param name - Path relative to the project's folder. */
  constructor(name: string, path: string) {
    this.#tree = new TestTree(name, path);
  }

  /** Joins the run, and makes this the current file of the process. */
  async start(): Promise<void> {
    this.#leaveFile = enterFile(this.#tree);
    this.#attachedRun = await joinCurrentRun();
  }

  /** Runs the code that loads and runs the file. */
  within<T>(work: () => T): T {
    return runInContext(this.#tree, work);
  }

  /** Makes `castoff/jest` work in the sandbox of the file. */
  exposeBridge(sandbox: object): void {
    installBridge(sandbox, this.#attachedRun);
  }

  /**
   * Follows an event. Resolves when the scope that ends with it has closed; returns `undefined` if there is
   * nothing to close.
   */
  follow(event: CircusEvent, state: CircusState): Promise<void> | undefined {
    if (event.name === 'run_start') runInContexts(state.rootDescribeBlock, this.#tree, runFunctionInContext);
    const context = this.#tree.follow(event);
    if (context === undefined) return undefined;
    const isFailure = hasFailed(event, state);
    if (isFailure) this.#failed.add(context.name);
    else if (this.#failed.size > 0) this.#failed.delete(context.name);
    if (isFailure || findContextScope(context) !== undefined) return this.#end(context, event, state);
    context.end();
    return undefined;
  }

  /**
   * Closes the scope of a file that could not be loaded. Jest reports the load error only, so errors of the
   * close are printed.
   */
  async endUnloaded(): Promise<void> {
    const { file } = this.#tree;
    if (this.#attachedRun === undefined || file.hasEnded) return;
    for (const error of await this.#close(file)) print(messageOf(error));
  }

  /** Ends the file after all of its hooks: waits for background removals, and records the leaks. */
  async end(): Promise<void> {
    try {
      const attachedRun = this.#attachedRun;
      if (attachedRun === undefined) return;
      const { file } = this.#tree;
      await this.endUnloaded();
      // Failures are recorded in the registry.
      await Promise.allSettled(this.#removals);
      await recordLeaks(file, this.#failed, attachedRun);
    } finally {
      this.#tree.file.markJudged();
      this.#leaveFile?.();
    }
  }

  async #end(context: TestContext, event: CircusEvent, state: CircusState): Promise<void> {
    if (event.name === 'test_done') {
      event.test.errors.forEach(hideOwnFrames);
      if (this.#attachedRun !== undefined)
        await this.#postMortems.addTo(event.test, context, this.#tree.path, this.#attachedRun);
    }
    if ('test' in event) {
      // Errors of a client whose server is removed now belong to this test.
      state.currentlyRunningTest = event.test;
      event.test.errors.push(...(await this.#close(context)));
      state.currentlyRunningTest = null;
      return;
    }
    const errors = await this.#close(context);
    if ('describeBlock' in event) {
      for (const test of testsThatRan(event.describeBlock)) test.errors.push(...errors);
    } else {
      state.unhandledErrors.forEach(hideOwnFrames);
      state.unhandledErrors.push(...errors);
    }
  }

  async #close(context: TestContext): Promise<readonly Error[]> {
    context.end();
    const attachedRun = this.#attachedRun;
    if (attachedRun === undefined) return [];
    const end: ContextEnd = {
      hasFailed: this.#failed.has(context.name),
      onBackgroundRemoval: ({ done }) => this.#removals.push(done),
    };
    try {
      await asTestCode(this.runtime, () => closeContext(context, attachedRun, end));
      return [];
    } catch (error) {
      return closeErrors(context, error);
    }
  }
}
