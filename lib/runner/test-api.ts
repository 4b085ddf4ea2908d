import { CastoffError } from '../core/errors';
import { bridgeKey, type Bridge, type SharedFactory, type SharedOptions, type SharedScope } from './bridge';
import type { Scope } from '../scope/scope';

export type { SharedFactory, SharedOptions, SharedScope };

/** A scope that closes by itself when its test, block or file ends. */
export type TestScope = Omit<Scope, 'close' | typeof Symbol.asyncDispose>;

const methods = ['defer', 'use', 'start', 'adopt', 'child', 'spawn', 'run', 'verify'] as const;

/**
 * The scope of the calling code: that of the current test, including its `beforeEach` and `afterEach`; of the
 * enclosing `describe` in `beforeAll` and `afterAll`; of the file at top level and in the body of a
 * `describe`; of the run in a global setup. Timers and callbacks belong to the test that started them, so
 * concurrent tests have different scopes. Each attempt of a retried test has a scope of its own.
 *
 * The scope closes when its test, block or file ends. A cleanup that fails, fails the test; in a `describe`,
 * each test in it. Removals continue in the background where the next test does not depend on them, unless
 * the option `cleanup` is `wait`.
 *
 * @throws CastoffError `SCOPE_CLOSED` when the test has ended; `CONFIG_INVALID` in a test runner that does
 * not run castoff, and in the factory of a shared resource, which receives a scope of its own.
 */
export const scope: TestScope = Object.freeze(
  Object.defineProperties(
    {},
    {
      name: { enumerable: true, get: () => currentScope().name },
      signal: { enumerable: true, get: () => currentScope().signal },
      ...Object.fromEntries(
        methods.map((method) => [method, { enumerable: true, get: () => boundTo(method) }]),
      ),
      close: { get: refuseToClose },
    },
  ),
) as TestScope;

/** Runs a function when the current scope closes, as `scope.defer` does. */
export const defer: Scope['defer'] = (...args) => currentScope().defer(...args);

/** Starts a task that ends with the current scope, as `scope.spawn` does. */
export const spawn: Scope['spawn'] = (...args) => currentScope().spawn(...args);

/** Runs a command that ends with the current scope, as `scope.run` does. */
export const run: Scope['run'] = (...args) => currentScope().run(...args);

/** Adds a check that runs when all items of the current scope have closed, as `scope.verify` does. */
export const verify: Scope['verify'] = (...args) => currentScope().verify(...args);

/**
 * Creates a resource once per run, and shares it between all test files. The first caller runs `factory`, in
 * its worker. The resource lives until the run ends, even if that worker dies; shared resources are then
 * removed in reverse order.
 *
 * Resolves to the value that `factory` returned, or a copy of it. If `factory` throws, all waiting callers
 * get its error, and the next caller tries again.
 *
 * @param name - Identifies the resource within the run.
 * @param factory - Receives a scope to start resources in. It has to return a value that JSON can represent.
 * @param options.timeoutMs - Limit for waiting for another caller's factory, and for the factory itself, in
 * milliseconds. Default 120 000.
 * @throws CastoffError `CONFIG_INVALID` for a value that JSON cannot represent, for factories that wait for
 * each other, and in a test runner that does not run castoff; DeadlineError `DEADLINE_EXCEEDED`.
 */
export async function shared<T>(
  name: string,
  factory: SharedFactory<T>,
  options: SharedOptions = {},
): Promise<T> {
  return JSON.parse(await bridge().shared(name, factory, options)) as T;
}

/** Creates a resource once per worker, as {@link shared} does per run. It is removed when the worker ends. */
export async function sharedPerWorker<T>(
  name: string,
  factory: SharedFactory<T>,
  options: SharedOptions = {},
): Promise<T> {
  return JSON.parse(await bridge().sharedPerWorker(name, factory, options)) as T;
}

let withoutRun = '';

/** Sets the message of the error for a test runner that does not run castoff. An adapter's entry calls it. */
export function setMessageWithoutRun(message: string): void {
  withoutRun = message;
}

function bridge(): Bridge {
  const found = (globalThis as { readonly [bridgeKey]?: Bridge })[bridgeKey];
  if (found === undefined) throw new CastoffError('CONFIG_INVALID', withoutRun);
  return found;
}

const currentScope = (): Scope => bridge().scope();

/** Binds instead of wrapping, so that the user's line comes directly below the method in a stack. */
function boundTo(method: (typeof methods)[number]): unknown {
  const own = currentScope();
  return (own[method] as (...args: unknown[]) => unknown).bind(own);
}

function refuseToClose(): never {
  throw new CastoffError(
    'CONFIG_INVALID',
    'scope.close: this scope closes when its test, block or file ends; to close earlier, use scope.child(name)',
  );
}
