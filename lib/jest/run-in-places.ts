import type { CircusBlock, CircusFn } from './circus';
import type { Place, Places } from './places';

/** Has `run` do all that the tests and hooks of a file do, told of the place of each. To be called when all are defined. */
export function runInPlaces(
  block: CircusBlock,
  places: Places,
  run: (place: Place, work: () => unknown) => unknown,
): void {
  for (const hook of block.hooks) {
    const isOfBlock = hook.type === 'beforeAll' || hook.type === 'afterAll';
    // Hooks around each test are never called for concurrent ones: the current one is theirs.
    hook.fn = within(hook.fn, () => (isOfBlock ? places.of(block) : places.current), run);
  }
  for (const child of block.children) {
    if (child.type === 'describeBlock') runInPlaces(child, places, run);
    else if (child.fn !== undefined) child.fn = within(child.fn, () => places.of(child), run);
  }
}

function within(
  fn: CircusFn,
  placeOf: () => Place,
  run: (place: Place, work: () => unknown) => unknown,
): CircusFn {
  // Circus drives generators itself, which it tells by the function.
  if (Object.prototype.toString.call(fn) === '[object GeneratorFunction]') return fn;
  const placed: CircusFn = function (...args) {
    return run(placeOf(), () => Reflect.apply(fn, this, args));
  };
  // By its length circus tells whether it takes `done`.
  if (fn.length > 0) Object.defineProperty(placed, 'length', { value: fn.length });
  return placed;
}
