// All that castoff reads of jest-circus and jest-runtime; the same in Jest 29 and 30, unless noted.
// @see jest-circus, `Circus.State` and `Circus.Event` of @jest/types
import { messageOf } from '../core/errors';
import { addToMessage } from '../runner/test-errors';
import type { TestNode } from '../runner/test-context';

/** The function of a test or hook. */
export type CircusFn = (this: unknown, ...args: unknown[]) => unknown;

/** A hook of a block. */
export interface CircusHook {
  fn: CircusFn;
  readonly type: 'afterAll' | 'afterEach' | 'beforeAll' | 'beforeEach';
  readonly parent?: CircusBlock | undefined;
  /** Its own time limit, in milliseconds. */
  readonly timeout?: number | null | undefined;
  /** Error created where it was defined; its stack has the line. */
  readonly asyncError?: unknown;
}

/** A `describe` block, or the file itself. */
export interface CircusBlock {
  readonly type: 'describeBlock';
  readonly name: string;
  /** `undefined` for the root block, which is the file itself. */
  readonly parent?: CircusBlock | undefined;
  readonly hooks: readonly CircusHook[];
  readonly children: readonly (CircusBlock | CircusTest)[];
}

/** A test. */
export interface CircusTest {
  readonly type: 'test';
  readonly name: string;
  readonly parent: CircusBlock;
  /** `undefined` for `test.todo`. */
  fn?: CircusFn | undefined;
  /** Error created where it was defined; its stack has the line. */
  readonly asyncError?: unknown;
  /** Thrown values, or pairs of a thrown value and an error with the line of the test. */
  errors: unknown[];
  readonly status?: 'done' | 'skip' | 'todo' | null | undefined;
  /** Its own time limit, in milliseconds. */
  readonly timeout?: number | undefined;
  /** Whether it starts before its turn comes. */
  readonly concurrent?: boolean | undefined;
}

/** The state of jest-circus in a test file. */
export interface CircusState {
  readonly rootDescribeBlock: CircusBlock;
  readonly unhandledErrors: unknown[];
  /** Test that uncaught errors are attributed to. Jest 30 prefers the asynchronous context. */
  currentlyRunningTest?: CircusTest | null | undefined;
  /** Default time limit of a test, in milliseconds. */
  readonly testTimeout?: number | undefined;
}

interface TestEvent {
  readonly name: 'test_done' | 'test_skip' | 'test_start' | 'test_todo';
  readonly test: CircusTest;
}

interface BlockEvent {
  readonly name: 'run_describe_finish' | 'run_describe_start';
  readonly describeBlock: CircusBlock;
}

/** An event that starts or ends a test, a block or the file. Circus has other events too. */
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

/** Returns whether castoff handles an event of jest-circus. */
export function isFollowed(event: { readonly name: string }): event is CircusEvent {
  return isEndByName.has(event.name);
}

/** The function of a test or hook starts, or has succeeded. Other events of jest-circus are similar. */
export interface FunctionEvent {
  readonly name: 'hook_start' | 'hook_success' | 'test_fn_start' | 'test_fn_success';
  readonly hook?: CircusHook | undefined;
  readonly test?: CircusTest | undefined;
}

/** The function of a test or hook has failed. */
export interface FailureEvent {
  readonly name: 'hook_failure' | 'test_fn_failure';
  readonly error: unknown;
  readonly hook?: CircusHook | undefined;
  /** Of a test, `beforeEach` or `afterEach`. */
  readonly test?: CircusTest | undefined;
  /** Of `beforeAll` or `afterAll`. */
  readonly describeBlock?: CircusBlock | undefined;
}

/** Returns whether the function of a test or hook has exceeded its time limit with an event of jest-circus. */
export function isTimeoutEvent(event: { readonly name: string }): event is FailureEvent {
  const isFailure = event.name === 'hook_failure' || event.name === 'test_fn_failure';
  return isFailure && messageOf((event as FailureEvent).error).startsWith('Exceeded timeout of ');
}

/** Returns whether the function of a test or hook starts or has succeeded with an event of jest-circus. */
export function isFunctionEvent(event: { readonly name: string }): event is FunctionEvent {
  return /^(?:test_fn|hook)_(?:start|success)$/.test(event.name);
}

/** Returns whether an event ends a test, a block or the file. */
export function isEnd({ name }: CircusEvent): boolean {
  return isEndByName.get(name) === true;
}

/** Returns the tests in a block, nested ones included, that have run. */
export function testsThatRan(block: CircusBlock): readonly CircusTest[] {
  return block.children.flatMap((child) => {
    if (child.type === 'describeBlock') return testsThatRan(child);
    return child.status === 'done' ? [child] : [];
  });
}

/** Returns whether the test, block or file that an event ends has failed. */
export function hasFailed(event: CircusEvent, state: CircusState): boolean {
  if ('test' in event) return event.test.errors.length > 0;
  if ('describeBlock' in event)
    return testsThatRan(event.describeBlock).some((test) => test.errors.length > 0);
  return (
    state.unhandledErrors.length > 0 ||
    testsThatRan(state.rootDescribeBlock).some((test) => test.errors.length > 0)
  );
}

/** Reads a block or test; `undefined` for the root block, which is the file itself. */
export function readNode(node: CircusBlock | CircusTest): TestNode<CircusBlock> | undefined {
  const { name: title, parent } = node;
  const isFile = node.type === 'describeBlock' && parent === undefined;
  if (isFile) return undefined;
  return node.type === 'test'
    ? { title, parent, isTest: true, definedBy: node.asyncError }
    : { title, parent, isTest: false };
}

/** Returns the errors of an entry: the thrown value, and an error with the line of the test in a pair. */
export function errorsOf(entry: unknown): readonly unknown[] {
  return Array.isArray(entry) ? (entry as readonly unknown[]) : [entry];
}

/** Inserts `text` into an error entry, below its message. Returns the entry that replaces it. */
export function addToEntry(entry: unknown, text: string): unknown {
  const [thrown, asyncError] = errorsOf(entry);
  const changed = addToMessage(thrown, text, asyncError);
  return changed === thrown || changed === asyncError ? entry : changed;
}

/** Inserts `text` into all entries of an error, as {@link addToEntry} does: `beforeAll` fails each test of its block. */
export function addToFailure(
  { error, test, describeBlock }: FailureEvent,
  state: CircusState,
  text: string,
): void {
  const tests = describeBlock === undefined ? [] : testsIn(describeBlock);
  const lists = [test?.errors ?? [], ...tests.map(({ errors }) => errors), state.unhandledErrors];
  for (const entries of lists) {
    const index = entries.findLastIndex((entry) => errorsOf(entry)[0] === error);
    if (index >= 0) entries[index] = addToEntry(entries[index], text);
  }
}

function testsIn(block: CircusBlock): readonly CircusTest[] {
  return block.children.flatMap((child) => (child.type === 'describeBlock' ? testsIn(child) : [child]));
}

/** jest-runtime's record of whether test code runs. @see jest-runtime 30, `enterTestCode`; not in Jest 29 */
interface TestStateOwner {
  enterTestCode?(): void;
  leaveTestCode?(): void;
}

/** Runs `work` as a hook: outside of hooks and tests, Jest 30 refuses to load modules and to use `jest`. */
export async function asTestCode<T>(runtime: unknown, work: () => Promise<T>): Promise<T> {
  const owner = runtime as TestStateOwner | undefined;
  owner?.enterTestCode?.();
  try {
    return await work();
  } finally {
    owner?.leaveTestCode?.();
  }
}
