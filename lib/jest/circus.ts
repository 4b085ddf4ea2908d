// The parts of jest-circus' state and events that castoff looks at, alike in Jest 29 and 30.
// @see jest-circus, `Circus.State` and `Circus.Event` of @jest/types

/** A function given to `test` or to a hook. */
export type CircusFn = (this: unknown, ...args: unknown[]) => unknown;

export interface CircusHook {
  fn: CircusFn;
  readonly type: 'afterAll' | 'afterEach' | 'beforeAll' | 'beforeEach';
  /** An error made where it was defined, for its stack. */
  readonly asyncError?: unknown;
}

export interface CircusBlock {
  readonly type: 'describeBlock';
  readonly name: string;
  /** `undefined`: it is the file's own, in which everything stands. */
  readonly parent?: CircusBlock | undefined;
  readonly hooks: readonly CircusHook[];
  readonly children: readonly (CircusBlock | CircusTest)[];
}

export interface CircusTest {
  readonly type: 'test';
  readonly name: string;
  readonly parent: CircusBlock;
  /** `undefined` for `test.todo`. */
  fn?: CircusFn | undefined;
  /** An error made where it was defined, for its stack. */
  readonly asyncError?: unknown;
  /** What was thrown, alone or before an error that knows the line of the test. */
  errors: unknown[];
  readonly status?: 'done' | 'skip' | 'todo' | null | undefined;
}

export interface CircusState {
  readonly rootDescribeBlock: CircusBlock;
  readonly unhandledErrors: unknown[];
  /** The test that errors outside of its promises belong to; Jest 30 goes by the asynchronous context first. */
  currentlyRunningTest?: CircusTest | null | undefined;
}

interface TestEvent {
  readonly name: 'test_done' | 'test_skip' | 'test_start' | 'test_todo';
  readonly test: CircusTest;
}

interface BlockEvent {
  readonly name: 'run_describe_finish' | 'run_describe_start';
  readonly describeBlock: CircusBlock;
}

/** What happens around the places of a file; circus tells of more than that. */
export type CircusEvent = TestEvent | BlockEvent | { readonly name: 'run_finish' | 'run_start' };

const isEndByName: ReadonlyMap<string, boolean> = new Map<CircusEvent['name'], boolean>([
  ['run_start', false],
  ['run_describe_start', false],
  ['test_start', false],
  ['test_done', true],
  ['test_skip', true],
  ['test_todo', true],
  ['run_describe_finish', true],
  ['run_finish', true],
]);

/** Whether an event of circus is one that castoff follows. */
export function isFollowed(event: { readonly name: string }): event is CircusEvent {
  return isEndByName.has(event.name);
}

/** Whether something ends with it. */
export function isEnd({ name }: CircusEvent): boolean {
  return isEndByName.get(name) === true;
}

/** All tests below a block that have run. */
export function testsThatRan(block: CircusBlock): readonly CircusTest[] {
  return block.children.flatMap((child) => {
    if (child.type === 'describeBlock') return testsThatRan(child);
    return child.status === 'done' ? [child] : [];
  });
}

/** Whether anything that the event ends has failed. */
export function hasFailed(event: CircusEvent, state: CircusState): boolean {
  if ('test' in event) return event.test.errors.length > 0;
  if ('describeBlock' in event)
    return testsThatRan(event.describeBlock).some((test) => test.errors.length > 0);
  return (
    state.unhandledErrors.length > 0 ||
    testsThatRan(state.rootDescribeBlock).some((test) => test.errors.length > 0)
  );
}
