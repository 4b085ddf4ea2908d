import { CastoffError } from './core/errors';
import {
  bridgeKey,
  type Bridge,
  type SharedFactory,
  type SharedOptions,
  type SharedScope,
} from './runner/bridge';
import type { Scope } from './scope/scope';

export type { SharedFactory, SharedOptions, SharedScope };

/** A scope that closes by itself when what it belongs to ends. */
export type JestScope = Omit<Scope, 'close' | typeof Symbol.asyncDispose>;

const methods = ['defer', 'use', 'start', 'adopt', 'child', 'spawn', 'run', 'verify'] as const;

/**
 * The scope of where the calling code is: in a test, or a hook around each, that test's; in `beforeAll` and `afterAll`, that of their
 * `describe`; at file level, and in the body of a `describe`, the file's; in a global setup, the run's. Code that a test begins, and timers and
 * callbacks that follow from it, are in that test; so concurrent tests each have their own, and so has each attempt of a test
 * that is retried.
 *
 * It closes when that ends, and cleanup that fails fails the test: the test's own, or, for a `describe`, each test in it.
 * What can wait is removed in the background, unless `cleanup` is `wait`.
 *
 * @throws CastoffError `SCOPE_CLOSED` when the test has ended, with its name; `CONFIG_INVALID` outside of Jest, or without
 * castoff's preset, and in the factory of something shared, which is given a scope of its own.
 */
export const scope: JestScope = Object.freeze(
  Object.defineProperties(
    {},
    {
      name: { enumerable: true, get: () => bridge().scope().name },
      signal: { enumerable: true, get: () => bridge().scope().signal },
      ...Object.fromEntries(
        methods.map((method) => [method, { enumerable: true, get: () => boundTo(method) }]),
      ),
      close: { get: refuseToClose },
    },
  ),
) as JestScope;

/** As `scope.defer`: runs `fn` when the scope of where you are closes. */
export const defer: Scope['defer'] = (...args) =>
  bridge()
    .scope()
    .defer(...args);

/** As `scope.spawn`: a task that ends with the scope of where you are. */
export const spawn: Scope['spawn'] = (...args) =>
  bridge()
    .scope()
    .spawn(...args);

/** As `scope.run`: a command that ends with the scope of where you are. */
export const run: Scope['run'] = (...args) =>
  bridge()
    .scope()
    .run(...args);

/** As `scope.verify`: a check that is made when all in the scope of where you are has ended. */
export const verify: Scope['verify'] = (...args) =>
  bridge()
    .scope()
    .verify(...args);

/**
 * What all test files of a run share under `name`: made by `factory` for whoever asks first, in whichever worker; everybody gets
 * what it returned. It lives to the end of the run, when what was made last is removed first, also when the worker that made it dies.
 *
 * A factory that throws is thrown in all who wait for it, with its own stack; the next to ask tries again.
 *
 * @param factory - Gets a scope to start in. What it returns has to be JSON, which others get a copy of.
 * @param options.timeoutMs - How long to wait for whoever makes it, and for the making, in milliseconds. Default 120 000.
 * @throws CastoffError `CONFIG_INVALID` for a value that is no JSON, for two that wait for each other, and outside of Jest;
 * DeadlineError `DEADLINE_EXCEEDED`.
 */
export async function shared<T>(
  name: string,
  factory: SharedFactory<T>,
  options: SharedOptions = {},
): Promise<T> {
  return JSON.parse(await bridge().shared(name, factory, options)) as T;
}

/**
 * As {@link shared}, but made once for each worker of the run, and removed when that has ended.
 */
export async function sharedPerWorker<T>(
  name: string,
  factory: SharedFactory<T>,
  options: SharedOptions = {},
): Promise<T> {
  return JSON.parse(await bridge().sharedPerWorker(name, factory, options)) as T;
}

function bridge(): Bridge {
  const found = (globalThis as { readonly [bridgeKey]?: Bridge })[bridgeKey];
  if (found !== undefined) return found;
  throw new CastoffError(
    'CONFIG_INVALID',
    "castoff/jest: this is no test file of a run with castoff; add preset: 'castoff' to Jest's config, or wrap it in withCastoff of castoff/jest-preset",
  );
}

/** Bound, rather than wrapped: the user's line is then the first below the method itself. */
function boundTo(method: (typeof methods)[number]): unknown {
  const own = bridge().scope();
  return (own[method] as (...args: unknown[]) => unknown).bind(own);
}

function refuseToClose(): never {
  throw new CastoffError(
    'CONFIG_INVALID',
    'scope.close: a scope of Jest closes when its test, block or file ends; for one that ends earlier, open a scope.child(name)',
  );
}
