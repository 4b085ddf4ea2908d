import type { FileContexts, TestContext } from '../runner/test-context';
import type { CircusBlock, CircusFn, CircusTest } from './circus';

/** Runs the function of a test or hook in its context. `definedBy` is an error from where it was defined. */
type RunInContext = (context: TestContext, work: () => unknown, definedBy: unknown) => unknown;

/** Wraps every test and hook of a file, once all are defined, so that `run` calls it with its context. */
export function runInContexts(
  block: CircusBlock,
  contexts: FileContexts<CircusBlock | CircusTest>,
  run: RunInContext,
): void {
  for (const hook of block.hooks) {
    const isOfBlock = hook.type === 'beforeAll' || hook.type === 'afterAll';
    // Circus does not call hooks around concurrent tests, so the current test is the right one.
    hook.fn = wrap(hook, hook.fn, () => (isOfBlock ? contexts.of(block) : contexts.current), run);
  }
  for (const child of block.children) {
    if (child.type === 'describeBlock') runInContexts(child, contexts, run);
    else if (child.fn !== undefined) child.fn = wrap(child, child.fn, () => contexts.of(child), run);
  }
}

function wrap(
  { asyncError }: { readonly asyncError?: unknown },
  fn: CircusFn,
  contextOf: () => TestContext,
  run: RunInContext,
): CircusFn {
  // Circus recognises generator functions, and runs them itself.
  const kind = Object.prototype.toString.call(fn);
  if (kind === '[object GeneratorFunction]') return fn;
  const isAsync = kind === '[object AsyncFunction]';
  const wrapped: CircusFn = function (...args) {
    const context = contextOf();
    const returned = run(context, () => Reflect.apply(fn, this, args), asyncError);
    const waitsFor = args[0] ?? returned;
    context.running =
      Object(waitsFor) === waitsFor ? { waitsFor: waitsFor as object, code: fn, isAsync } : undefined;
    return returned;
  };
  // Circus passes `done` to a function that has parameters.
  if (fn.length > 0) Object.defineProperty(wrapped, 'length', { value: fn.length });
  return wrapped;
}
