import type { CircusBlock, CircusFn } from './circus';
import type { TestContext } from '../runner/test-context';
import type { TestTree } from './test-tree';

/** Runs the function of a test or hook at its place. `definedBy` is an error made where it was defined. */
type RunAtPlace = (place: TestContext, work: () => unknown, definedBy: unknown) => unknown;

/** Has `run` do all that the tests and hooks of a file do, told of the place of each. To be called when all are defined. */
export function runInContexts(block: CircusBlock, places: TestTree, run: RunAtPlace): void {
  for (const hook of block.hooks) {
    const isOfBlock = hook.type === 'beforeAll' || hook.type === 'afterAll';
    // Hooks around each test are never called for concurrent ones: the current one is theirs.
    hook.fn = within(hook, hook.fn, () => (isOfBlock ? places.of(block) : places.current), run);
  }
  for (const child of block.children) {
    if (child.type === 'describeBlock') runInContexts(child, places, run);
    else if (child.fn !== undefined) child.fn = within(child, child.fn, () => places.of(child), run);
  }
}

function within(
  { asyncError }: { readonly asyncError?: unknown },
  fn: CircusFn,
  placeOf: () => TestContext,
  run: RunAtPlace,
): CircusFn {
  // Circus drives generators itself, which it tells by the function.
  if (Object.prototype.toString.call(fn) === '[object GeneratorFunction]') return fn;
  const placed: CircusFn = function (...args) {
    return run(placeOf(), () => Reflect.apply(fn, this, args), asyncError);
  };
  // By its length circus tells whether it takes `done`.
  if (fn.length > 0) Object.defineProperty(placed, 'length', { value: fn.length });
  return placed;
}
