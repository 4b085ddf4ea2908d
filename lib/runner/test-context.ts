/** A part of a test file that code runs in: a test with its hooks, a `describe`, or the file itself. */
export class TestContext {
  /** Its own title: `inserts`. */
  readonly title: string;
  readonly parent: TestContext | undefined;
  readonly #isTest: boolean;
  #hasEnded = false;
  #isJudged = false;

  constructor(title: string, parent?: TestContext, isTest = false) {
    this.title = title;
    this.parent = parent;
    this.#isTest = isTest;
  }

  /** Titles of the file, the blocks and the test: `db.spec.ts/users/inserts`. */
  get name(): string {
    return this.#titles().join('/');
  }

  /** Full name of the test, in Jest's form: `users inserts`. `undefined` for a block or file. */
  get test(): string | undefined {
    return this.#isTest ? this.#titles().slice(1).join(' ') : undefined;
  }

  /** Whether it has ended: its scope takes nothing new. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Marks it as ended. */
  end(): void {
    this.#hasEnded = true;
  }

  /** Whether the leaks of its file have been recorded: a resource that is created now is one. */
  get isFileJudged(): boolean {
    return this.parent?.isFileJudged ?? this.#isJudged;
  }

  /** Marks the leaks of a file as recorded. Call it on the context of the file. */
  markJudged(): void {
    this.#isJudged = true;
  }

  #titles(): readonly string[] {
    const titles = [this.title];
    for (let around = this.parent; around !== undefined; around = around.parent) titles.unshift(around.title);
    return titles;
  }
}

/**
 * The contexts of one test file. Each test runner has an implementation, which follows the runner's events.
 */
export abstract class FileContexts {
  /** Path of the test file. */
  abstract readonly path: string;
  /**
   * Context of code that no test or hook started; among concurrent tests, that of the test that started last.
   */
  abstract get current(): TestContext;
}
