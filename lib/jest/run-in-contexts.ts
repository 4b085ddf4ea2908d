import type { FileContexts, TestContext } from '../runner/test-context';
import type { CircusBlock, CircusFn, CircusTest } from './circus';

/** Runs the function of a test or hook in its context. `definedBy` is an error from where it was defined. */
type RunInContext = <T>(context: TestContext, work: () => T, definedBy: unknown) => T;

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
  const runIn: RunIn = (context, work) => run(context, work, asyncError);
  // Circus recognises generator functions, and runs them itself.
  const kind = Object.prototype.toString.call(fn);
  const wrapped =
    kind === '[object GeneratorFunction]'
      ? wrapGenerator(fn, contextOf, runIn)
      : wrapFunction(fn, contextOf, runIn, kind === '[object AsyncFunction]');
  // Circus passes `done` to a function that has parameters.
  if (fn.length > 0) Object.defineProperty(wrapped, 'length', { value: fn.length });
  return wrapped;
}

type RunIn = <T>(context: TestContext, work: () => T) => T;

function wrapFunction(fn: CircusFn, contextOf: () => TestContext, runIn: RunIn, isAsync: boolean): CircusFn {
  return function (...args) {
    const context = contextOf();
    const returned = runIn(context, () => Reflect.apply(fn, this, args));
    const waitsFor = args[0] ?? returned;
    context.running =
      Object(waitsFor) === waitsFor ? { waitsFor: waitsFor as object, code: fn, isAsync } : undefined;
    // Beside `done`, Circus refuses and prints what is returned.
    return fn.length > 0 ? returned : awaitIn(context, returned, runIn);
  };
}

function wrapGenerator(fn: CircusFn, contextOf: () => TestContext, runIn: RunIn): CircusFn {
  return function* (...args) {
    const context = contextOf();
    // Circus itself waits for its steps.
    context.running = undefined;
    const steps = Reflect.apply(fn, this, args) as Generator<unknown, unknown, unknown>;
    let take = (): IteratorResult<unknown, unknown> => steps.next();
    for (;;) {
      const { done, value } = runIn(context, take);
      if (done === true) return value;
      try {
        const sent: unknown = yield awaitIn(context, value, runIn);
        take = () => steps.next(sent);
      } catch (error) {
        take = () => steps.throw(error);
      }
    }
  };
}

/** Circus calls `then` outside of all contexts: that starts the work of a lazy promise, such as a query. */
function awaitIn(context: TestContext, value: unknown, runIn: RunIn): unknown {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return value;
  const { then } = value as { readonly then?: unknown };
  if (typeof then !== 'function') return value;
  return new Promise((resolve, reject) => {
    runIn(context, () => Reflect.apply(then, value, [resolve, reject]) as unknown);
  });
}
