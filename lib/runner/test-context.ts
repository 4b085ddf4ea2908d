import type { RunningFunction } from '../diagnosis/hang';

/** A part of a test file that code runs in: a test with its hooks, a `describe`, or the file itself. */
export class TestContext {
  /** Its own title: `inserts`. */
  readonly title: string;
  readonly parent: TestContext | undefined;
  /** An error created where the test was defined, if known. */
  readonly definedBy: unknown;
  readonly #isTest: boolean;
  /** The function of the test, or of its current hook, until it has succeeded; none for a generator function. */
  running: RunningFunction | undefined;
  #hasEnded = false;
  #isJudged = false;

  constructor(title: string, parent?: TestContext, isTest = false, definedBy?: unknown) {
    this.title = title;
    this.parent = parent;
    this.definedBy = definedBy;
    this.#isTest = isTest;
  }

  /** Titles of the file, the blocks and the test: `db.spec.ts/users/inserts`. */
  get name(): string {
    return this.#titles().join('/');
  }

  /** Full name of the test: `users inserts`. `undefined` for a block or file. */
  get test(): string | undefined {
    return this.#isTest ? this.#titles().slice(1).join(' ') : undefined;
  }

  /** The context of its test file. */
  get file(): TestContext {
    return this.parent?.file ?? this;
  }

  /** Whether it has ended: its scope takes nothing new. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Marks it as ended. */
  end(): void {
    this.#hasEnded = true;
    this.running = undefined;
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

/** What a test runner's own object for a test, or for a block of tests, is to castoff. */
export interface TestNode<Node> {
  /** Its own title. */
  readonly title: string;
  /** The block around it; `undefined` directly in the file. */
  readonly parent: Node | undefined;
  readonly isTest: boolean;
  /** An error created where the test was defined, if known. */
  readonly definedBy?: unknown;
}

/** Which test file, and how to read the runner's objects for its tests and blocks. */
export interface FileContextsOptions<Node> {
  /** Name of the test file: its path relative to the project's folder. */
  readonly name: string;
  /** Path of the test file. */
  readonly path: string;
  /** Reads a node; `undefined` when it is the file itself. */
  read(node: Node): TestNode<Node> | undefined;
}

/** The contexts of one test file. An adapter enters and leaves them as its runner's events come. */
export class FileContexts<Node extends object = object> {
  readonly path: string;
  readonly file: TestContext;
  readonly #options: FileContextsOptions<Node>;
  readonly #open = new Map<Node, TestContext>();
  #current: TestContext;

  constructor(options: FileContextsOptions<Node>) {
    this.path = options.path;
    this.file = new TestContext(options.name);
    this.#options = options;
    this.#current = this.file;
  }

  /** Context of code that no test or hook started: among concurrent tests, that of the last one started. */
  get current(): TestContext {
    return this.#current;
  }

  /**
   * Returns the context of a block, or of the current attempt of a test. The first call creates it, even
   * before {@link enter}: a runner may call the functions of concurrent tests before it reports their start.
   */
  of(node: Node): TestContext {
    const known = this.#open.get(node);
    if (known !== undefined) return known;
    const facts = this.#options.read(node);
    if (facts === undefined) return this.file;
    const parent = facts.parent === undefined ? this.file : this.of(facts.parent);
    const context = new TestContext(facts.title, parent, facts.isTest, facts.definedBy);
    this.#open.set(node, context);
    return context;
  }

  /** Makes the context of a node the current one, until {@link leave}. */
  enter(node: Node): void {
    this.#current = this.of(node);
  }

  /**
   * Makes the context around a node the current one, and forgets that of the node: the next attempt of a
   * retried test gets a new one. Returns the context of the node.
   */
  leave(node: Node): TestContext {
    const context = this.of(node);
    this.#open.delete(node);
    this.#current = context.parent ?? this.file;
    return context;
  }
}
