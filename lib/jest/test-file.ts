import { print } from '../core/print';
import { messageOf } from '../core/errors';
import { hasFailed, testsThatRan, type CircusEvent, type CircusState } from './circus';
import { closeErrors } from './close-errors';
import { closeContext, type ContextEnd } from '../runner/close-context';
import { installBridge } from './file-bridge';
import { openContextScope } from '../runner/context-scopes';
import { type TestContext } from '../runner/test-context';
import { TestTree } from './test-tree';
import { PostMortems } from './post-mortems';
import { enterFile, runInContext, runFunctionInContext } from '../runner/current-context';
import { noteLeaks } from '../runner/note-leaks';
import { joinCurrentRun, type WorkerRunState } from '../runner/worker-run';
import { runInContexts } from './run-in-contexts';
import { asTestCode } from './test-code';
import { hideOwnFrames } from '../runner/test-errors';

/** A test file while it runs: its places come and go with what circus tells, and with each goes what was begun in it. */
export class TestFile {
  readonly #places: TestTree;
  readonly #postMortems = new PostMortems();
  readonly #removals: Promise<unknown>[] = [];
  /** The names of the places in which something has failed. */
  readonly #failed = new Set<string>();
  #here: WorkerRunState | undefined;
  /** Jest's, in which the code of the file runs, where that is known. */
  runtime: unknown;
  #leave: (() => void) | undefined;

  /** @param name - Its path relative to the project's folder. */
  constructor(name: string, path: string) {
    this.#places = new TestTree(name, path);
  }

  async begin(): Promise<void> {
    this.#leave = enterFile(this.#places);
    this.#here = await joinCurrentRun();
  }

  /** Runs what loads the file and all that is in it. */
  within<T>(work: () => T): T {
    return runInContext(this.#places, work);
  }

  letIn(sandbox: object): void {
    installBridge(sandbox, this.#here);
  }

  /** Resolves when what ends with that event has ended; most has nothing to end, and is over at once. */
  follow(event: CircusEvent, state: CircusState): Promise<void> | undefined {
    if (event.name === 'run_start')
      runInContexts(state.rootDescribeBlock, this.#places, runFunctionInContext);
    const place = this.#places.follow(event);
    if (place === undefined) return undefined;
    const isFailure = hasFailed(event, state);
    if (isFailure) this.#failed.add(place.name);
    else if (this.#failed.size > 0) this.#failed.delete(place.name);
    if (isFailure || openContextScope(place) !== undefined) return this.#end(place, event, state);
    place.end();
    return undefined;
  }

  /** Closes the scope of a file that could not be loaded: it has run nothing. Jest reports that failure, and takes no other. */
  async endUnloaded(): Promise<void> {
    const { file } = this.#places;
    if (this.#here === undefined || file.isOver) return;
    for (const error of await this.#close(file)) print(messageOf(error));
  }

  /** After all that the user has to run at the end of a file; what is left of raw code then, nobody wants any more. */
  async end(): Promise<void> {
    try {
      const here = this.#here;
      if (here === undefined) return;
      const { file } = this.#places;
      await this.endUnloaded();
      // Each failure stands in the registry.
      await Promise.allSettled(this.#removals);
      await noteLeaks(file, this.#failed, here);
    } finally {
      this.#places.file.leave();
      this.#leave?.();
    }
  }

  async #end(place: TestContext, event: CircusEvent, state: CircusState): Promise<void> {
    if (event.name === 'test_done') {
      event.test.errors.forEach(hideOwnFrames);
      if (this.#here !== undefined)
        await this.#postMortems.addTo(event.test, place, this.#places.path, this.#here);
    }
    if ('test' in event) {
      // Also what a client throws whose server is removed now.
      state.currentlyRunningTest = event.test;
      event.test.errors.push(...(await this.#close(place)));
      state.currentlyRunningTest = null;
      return;
    }
    const errors = await this.#close(place);
    if ('describeBlock' in event) {
      for (const test of testsThatRan(event.describeBlock)) test.errors.push(...errors);
    } else {
      state.unhandledErrors.forEach(hideOwnFrames);
      state.unhandledErrors.push(...errors);
    }
  }

  async #close(place: TestContext): Promise<readonly Error[]> {
    place.end();
    const here = this.#here;
    if (here === undefined) return [];
    const end: ContextEnd = {
      hasFailed: this.#failed.has(place.name),
      handOver: ({ done }) => this.#removals.push(done),
    };
    try {
      await asTestCode(this.runtime, () => closeContext(place, here, end));
      return [];
    } catch (error) {
      return closeErrors(place, error);
    }
  }
}
