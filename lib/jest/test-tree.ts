import type { CircusBlock, CircusEvent, CircusTest } from './circus';
import { FileContexts, TestContext } from '../runner/test-context';

/** The places of one test file, as its run goes through them. */
export class TestTree extends FileContexts {
  readonly file: TestContext;
  override readonly path: string;
  readonly #open = new Map<CircusBlock | CircusTest, TestContext>();
  #current: TestContext;

  /** @param name - The test file's path relative to the project's folder. */
  constructor(name: string, path: string) {
    super();
    this.path = path;
    this.file = new TestContext(name);
    this.#current = this.file;
  }

  override get current(): TestContext {
    return this.#current;
  }

  /**
   * The place of a test's attempt, or of a block. It is there from the first time that somebody asks until it ends: Jest 29 calls
   * the functions of concurrent tests before it says that they start.
   */
  of(node: CircusBlock | CircusTest): TestContext {
    const isFile = node.type === 'describeBlock' && node.parent === undefined;
    const place = isFile ? this.file : (this.#open.get(node) ?? this.#create(node));
    this.#open.set(node, place);
    return place;
  }

  /** Follows an event of the run; returns the place that ends with it, if one does. */
  follow(event: CircusEvent): TestContext | undefined {
    switch (event.name) {
      case 'run_start':
        return undefined;
      case 'run_describe_start':
        this.#current = this.of(event.describeBlock);
        return undefined;
      case 'test_start':
        this.#current = this.of(event.test);
        return undefined;
      case 'test_done':
      case 'test_skip':
      case 'test_todo':
        return this.#leave(event.test);
      case 'run_describe_finish':
        return event.describeBlock.parent === undefined ? undefined : this.#leave(event.describeBlock);
      case 'run_finish':
        return this.file;
    }
  }

  // With its place goes all that is known of it: the next attempt of a test that is retried gets a new one.
  #leave(node: CircusBlock | CircusTest): TestContext {
    const place = this.of(node);
    this.#open.delete(node);
    this.#current = place.parent ?? this.file;
    return place;
  }

  #create(node: CircusBlock | CircusTest): TestContext {
    const parent = node.parent === undefined ? this.file : this.of(node.parent);
    return new TestContext(node.name, parent, node.type === 'test');
  }
}
