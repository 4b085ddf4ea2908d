/** Where code of a test file is: in a test or its hooks, in a `describe`, or in the file itself. Most are never asked for anything. */
export class TestContext {
  /** Of its own: `inserts`. */
  readonly title: string;
  readonly parent: TestContext | undefined;
  readonly #isTest: boolean;
  #isOver = false;
  #isLeft = false;

  constructor(title: string, parent?: TestContext, isTest = false) {
    this.title = title;
    this.parent = parent;
    this.#isTest = isTest;
  }

  /** Of all that it is in, for people: `db.spec.ts/users/inserts`. */
  get name(): string {
    return this.#titles().join('/');
  }

  /** The full name of the test, as Jest has it: `users inserts`. */
  get test(): string | undefined {
    return this.#isTest ? this.#titles().slice(1).join(' ') : undefined;
  }

  /** Nothing may be begun here any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  end(): void {
    this.#isOver = true;
  }

  /** Its file has ended, and what was left of it has been noted. */
  get isLeft(): boolean {
    return this.parent?.isLeft ?? this.#isLeft;
  }

  /** Of a file. */
  leave(): void {
    this.#isLeft = true;
  }

  #titles(): readonly string[] {
    const titles = [this.title];
    for (let place = this.parent; place !== undefined; place = place.parent) titles.unshift(place.title);
    return titles;
  }
}

/** The contexts of one test file. Each test runner has its own: it follows that runner's events. */
export abstract class FileContexts {
  /** The test file's path. */
  abstract readonly path: string;
  /** The context of code that is in none of its own; while tests run concurrently, that of the test that started last. */
  abstract get current(): TestContext;
}
