import { print } from '../core/print';
import { messageOf } from '../core/errors';
import {
  explainTimeout,
  recordDuration,
  takeOverWriting,
  writeDurations,
} from '../durations/duration-history';
import { joinCurrentRun, type AttachedRun } from './attached-run';
import { closeErrors } from './close-errors';
import { closeContext, findContextScope, type ContextEnd } from './context-scope';
import { enterFile, runInContext } from './current-context';
import { reportFileHandles } from './handles';
import { loadLate } from './load-late';
import type { PostMortems } from './post-mortems';
import { recordLeaks } from './record-leaks';
import { hideRunVariables } from './run-variables';
import type { FileContexts, TestContext } from './test-context';

/** Each takes 1 to 2 s. */
const maxExplainedHangs = 10;

/** Runs `work` as the runner runs the code of a hook. */
export type RunAsHook = <T>(work: () => Promise<T>) => Promise<T>;

/**
 * A test file that runs in this process: it closes the scope of each test, block and file that ends, and
 * records the leaks of the file. An adapter calls it as its runner's events come.
 */
export class RunningFile<Node extends object> {
  readonly contexts: FileContexts<Node>;
  /** Runs finalizers. An adapter sets it if its runner refuses some calls outside of hooks and tests. */
  runAsHook: RunAsHook = (work) => work();
  #postMortems: PostMortems | undefined;
  readonly #removals: Promise<unknown>[] = [];
  /** Names of the contexts in which something failed. */
  readonly #failed = new Set<string>();
  #explainedHangs = 0;
  #attachedRun: AttachedRun | undefined;
  #handlesReport: Promise<void> | undefined;
  #leaveFile: (() => void) | undefined;
  #restoreVariables: (() => void) | undefined;

  constructor(contexts: FileContexts<Node>) {
    this.contexts = contexts;
  }

  /** The run that {@link start} joined; `undefined` before that, and outside a run. */
  get attachedRun(): AttachedRun | undefined {
    return this.#attachedRun;
  }

  /** Joins the run, makes this the current file of the process, and hides the run's variables until its end. */
  async start(): Promise<void> {
    this.#leaveFile = enterFile(this.contexts);
    takeOverWriting();
    this.#attachedRun = await joinCurrentRun();
    this.#restoreVariables = hideRunVariables();
  }

  /** Runs code that belongs to the file, such as its modules as they load. Returns its result. */
  within<T>(work: () => T): T {
    return runInContext(this.contexts, work);
  }

  /** Records the end of a test, a block or the file. Returns whether {@link close} is due. */
  recordEnd(context: TestContext, { hasFailed }: { readonly hasFailed: boolean }): boolean {
    if (hasFailed) this.#failed.add(context.name);
    else if (this.#failed.size > 0) this.#failed.delete(context.name);
    if (hasFailed || findContextScope(context) !== undefined) return true;
    context.end();
    return false;
  }

  /** Describes the containers of a failed test for its error, if any. Call it before {@link close}. */
  async describeContainers(context: TestContext): Promise<string | undefined> {
    if (this.#attachedRun === undefined) return undefined;
    this.#postMortems ??= new (loadLate.postMortems().PostMortems)();
    return this.#postMortems.describe(context, this.contexts.path, this.#attachedRun);
  }

  /**
   * Records how long the function of a test or hook took that succeeded.
   *
   * @param hook - Its name among the hooks of the context.
   */
  recordDuration(context: TestContext, durationMs: number, hook?: string): void {
    recordDuration(this.#historyName(context, hook), durationMs);
  }

  /**
   * Returns a judgement of a test or hook that timed out, for its error: its limit looks too tight, or it hangs.
   * `undefined` if earlier runs allow none.
   */
  judgeTimeout(context: TestContext, limitMs: number, hook?: string): string | undefined {
    return explainTimeout(this.#historyName(context, hook), { limitMs });
  }

  /**
   * Resolves to where a test or hook waits that has timed out, for its error; `undefined` if castoff sees no wait,
   * and after some of a file.
   *
   * @param isLast - Whether no {@link describeContainers} follows.
   */
  async explainHangOf(context: TestContext, isLast: boolean): Promise<string | undefined> {
    if (this.#attachedRun === undefined || this.#explainedHangs >= maxExplainedHangs) return undefined;
    this.#explainedHangs += 1;
    return loadLate.explainHang().explainHang(context, { handles: this.#attachedRun.handles, isLast });
  }

  /** Closes the scope of a context that has ended. Resolves to the errors to report, one per failed item. */
  async close(context: TestContext): Promise<readonly Error[]> {
    context.end();
    const attachedRun = this.#attachedRun;
    if (attachedRun === undefined) return [];
    const end: ContextEnd = {
      hasFailed: this.#failed.has(context.name),
      onBackgroundRemoval: ({ done }) => this.#removals.push(done),
    };
    try {
      await this.within(() => this.runAsHook(() => closeContext(context, attachedRun, end)));
      return [];
    } catch (error) {
      return closeErrors(context, error);
    }
  }

  /** Closes the scope of a file that failed to load. Prints errors: runners report only the load error. */
  async endUnloaded(): Promise<void> {
    const { file } = this.contexts;
    if (this.#attachedRun === undefined || file.hasEnded) return;
    for (const error of await this.close(file)) print(messageOf(error));
  }

  /**
   * Reports handles that the file left open. Call it after all hooks, but before the runner forgets its source
   * maps, which the lines need. Idempotent.
   */
  reportHandles(): Promise<void> {
    return (this.#handlesReport ??= this.#reportHandles());
  }

  async #reportHandles(): Promise<void> {
    const attachedRun = this.#attachedRun;
    if (attachedRun?.handles !== undefined)
      await reportFileHandles(this.contexts.file, attachedRun.handles, attachedRun);
  }

  /** Ends the file after all of its hooks: waits for background removals, and records the leaks. */
  async end(): Promise<void> {
    const { file } = this.contexts;
    try {
      const attachedRun = this.#attachedRun;
      if (attachedRun === undefined) return;
      await this.endUnloaded();
      // Failures are recorded in the registry.
      await Promise.allSettled(this.#removals);
      await recordLeaks(file, this.#failed, attachedRun);
    } finally {
      file.markJudged();
      this.#leaveFile?.();
      this.#restoreVariables?.();
      writeDurations();
    }
  }

  // The path, because files of two projects may have the same name.
  #historyName({ name }: TestContext, hook: string | undefined): string {
    return hook === undefined
      ? `test ${this.contexts.path} ${name}`
      : `${hook} ${this.contexts.path} ${name}`;
  }
}
