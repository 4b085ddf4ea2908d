import type { CircusBlock, CircusEvent, CircusTest } from './circus';
import { FileContexts, TestContext } from '../runner/test-context';

/** The contexts of one test file. */
export class TestTree extends FileContexts {
  readonly file: TestContext;
  override readonly path: string;
  readonly #open = new Map<CircusBlock | CircusTest, TestContext>();
  #current: TestContext;

  /** @param name - Path of the test file relative to the project's folder. */
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
   * Returns the context of a block, or of the current attempt of a test. The first call creates it, because
   * Jest 29 calls the functions of concurrent tests before their `test_start`.
   */
  of(node: CircusBlock | CircusTest): TestContext {
    const isFile = node.type === 'describeBlock' && node.parent === undefined;
    const context = isFile ? this.file : (this.#open.get(node) ?? this.#create(node));
    this.#open.set(node, context);
    return context;
  }

  /** Follows an event. Returns the context that ends with it, if any. */
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

  /** Forgets the context of a node, so that the next attempt of a retried test gets a new one. */
  #leave(node: CircusBlock | CircusTest): TestContext {
    const context = this.of(node);
    this.#open.delete(node);
    this.#current = context.parent ?? this.file;
    return context;
  }

  #create(node: CircusBlock | CircusTest): TestContext {
    const parent = node.parent === undefined ? this.file : this.of(node.parent);
    return new TestContext(node.name, parent, node.type === 'test');
  }
}
