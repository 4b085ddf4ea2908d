import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { isCastoffError, openScope, type Scope, type Task } from '../../lib/index';
import { until } from '../support/until';

const endings = ['returns', 'throws', 'resolves', 'rejects'] as const;
type Ending = (typeof endings)[number];

/** `on` selects one of the scopes that exist at that time. */
type Action =
  | { readonly do: 'defer' | 'use'; readonly on: number; readonly ending: Ending }
  | {
      readonly do: 'spawn';
      readonly on: number;
      readonly ending: Ending | 'waits for abort';
      readonly isAwaited: boolean;
    }
  | { readonly do: 'child' | 'close' | 'verify'; readonly on: number };

const actions = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: action('defer') },
    { weight: 2, arbitrary: action('use') },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('child' as const), on: fc.nat(20) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('close' as const), on: fc.nat(20) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('verify' as const), on: fc.nat(20) }) },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('spawn' as const),
        on: fc.nat(20),
        ending: fc.constantFrom(...endings, 'waits for abort' as const),
        isAwaited: fc.boolean(),
      }),
    },
  ),
  { maxLength: 25 },
);

function action<Name extends 'defer' | 'use'>(name: Name) {
  return fc.record({ do: fc.constant(name), on: fc.nat(20), ending: fc.constantFrom(...endings) });
}

/** The expected items of a scope: finalizers by number, and child scopes. */
interface Model {
  readonly scope: Scope;
  readonly items: (number | Model)[];
  /** Checks that run after all items have ended. */
  readonly checks: number[];
  isClosed: boolean;
}

/** Performs actions on real scopes, and records the expected effects. */
class Run {
  readonly models: Model[] = [{ scope: openScope('root'), items: [], checks: [], isClosed: false }];
  readonly ended: number[] = [];
  readonly expected: number[] = [];
  readonly failures: Error[] = [];
  /** The errors that closes rejected with. */
  readonly closeErrors: unknown[] = [];
  readonly tasks: Task<void>[] = [];
  /** The errors that awaited tasks rejected with. */
  readonly taskErrors: unknown[] = [];

  async do(what: Action): Promise<void> {
    const model = this.models[what.on % this.models.length] as Model;
    switch (what.do) {
      case 'defer':
        return this.#add(model, what.ending, async (run) => model.scope.defer('it', run));
      case 'use':
        return this.#add(model, what.ending, async (stop) => void (await model.scope.use({ stop })));
      case 'child':
        return this.#openChild(model);
      case 'verify':
        return this.#verify(model);
      case 'spawn':
        return this.#spawn(model, what);
      case 'close':
        return this.close(model);
    }
  }

  async close(model: Model): Promise<void> {
    this.expectClosed(model);
    await model.scope.close().catch((error: unknown) => this.closeErrors.push(error));
  }

  expectClosed(model: Model): void {
    if (model.isClosed) return;
    model.isClosed = true;
    for (const item of model.items.toReversed()) {
      if (typeof item === 'number') this.expected.push(item);
      else this.expectClosed(item);
    }
    this.expected.push(...model.checks);
  }

  #verify(model: Model): void {
    const number = this.#finalizers;
    const add = (): void => model.scope.verify('it', () => this.#end(number, 'returns'));
    if (model.isClosed) return expectRefusal(add);
    this.#finalizers += 1;
    add();
    model.checks.push(number);
  }

  #spawn(model: Model, { ending, isAwaited }: Action & { do: 'spawn' }): void {
    const number = this.tasks.length;
    const work = async (signal: AbortSignal): Promise<void> => {
      if (ending === 'waits for abort') return waitForAbort(signal);
      await this.#settle(`task ${number}`, ending);
    };
    const spawn = (): Task<void> => model.scope.spawn('it', work);
    if (model.isClosed) return expectRefusal(spawn);
    const task = spawn();
    this.tasks.push(task);
    if (isAwaited && ending !== 'waits for abort')
      task.then(undefined, (error: unknown) => this.taskErrors.push(error));
  }

  async #add(model: Model, ending: Ending, add: (run: () => unknown) => Promise<void>): Promise<void> {
    const number = this.#finalizers;
    this.#finalizers += 1;
    if (model.isClosed) this.expected.push(number);
    else model.items.push(number);
    const adding = add(() => this.#end(number, ending));
    if (!model.isClosed) return adding;
    const error: unknown = await adding.catch((reason: unknown) => reason);
    expect(isCastoffError(error, 'SCOPE_CLOSED')).toBe(true);
    // Only the caller of `use` receives the failure of an object used too late.
    if (error instanceof Error && error.cause !== undefined) this.closeErrors.push(error.cause);
  }

  #openChild(model: Model): void {
    if (model.isClosed) return expectRefusal(() => model.scope.child('late'));
    const child = { scope: model.scope.child('child'), items: [], checks: [], isClosed: false };
    model.items.push(child);
    this.models.push(child);
  }

  #finalizers = 0;

  #end(number: number, ending: Ending): unknown {
    this.ended.push(number);
    return this.#settle(`finalizer ${number}`, ending);
  }

  #settle(what: string, ending: Ending): unknown {
    if (ending === 'returns') return undefined;
    if (ending === 'resolves') return new Promise(setImmediate);
    const failure = new Error(`${what} fails`);
    this.failures.push(failure);
    if (ending === 'throws') throw failure;
    return new Promise(setImmediate).then(() => Promise.reject(failure));
  }
}

function expectRefusal(add: () => unknown): void {
  expect(add).toThrow(expect.objectContaining({ code: 'SCOPE_CLOSED' }));
}

async function waitForAbort(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
  throw signal.reason;
}

/** Returns the close errors in `errors`, including nested ones, each once. */
function closeErrorsIn(errors: readonly unknown[], found = new Set<unknown>()): Set<unknown> {
  for (const error of errors) {
    if (!isCastoffError(error, 'CLEANUP_FAILED') || found.has(error)) continue;
    found.add(error);
    closeErrorsIn(error.errors ?? [], found);
  }
  return found;
}

function failuresIn(errors: readonly unknown[]): unknown[] {
  return [...closeErrorsIn(errors)]
    .flatMap((error) => (error as { errors: readonly unknown[] }).errors)
    .filter((error) => !isCastoffError(error));
}

const inOrder = (items: readonly unknown[]): string[] => items.map(String).toSorted();

describe('any sequence of defer, use, spawn, verify, child, close and throw', () => {
  const warn = jest.spyOn(process, 'emitWarning');
  beforeEach(() => void warn.mockReset().mockImplementation(() => undefined));
  afterEach(() => void warn.mockReset());

  /** Includes failures of functions deferred too late, which become process warnings. */
  const allFailures = async (run: Run): Promise<unknown[]> => {
    const isWarned = ({ message }: Error): boolean =>
      warn.mock.calls.some(([text]) => new RegExp(`\\b${message}`).test(String(text)));
    const collect = () => [
      ...failuresIn(run.closeErrors),
      ...run.failures.filter(isWarned),
      ...run.taskErrors,
    ];
    await until(() => collect().length >= run.failures.length);
    return collect();
  };

  it('runs each finalizer once in reverse order, then the checks, ends each task and reports each failure once', async () => {
    await fc.assert(
      fc.asyncProperty(actions, async (what) => {
        warn.mockClear();
        const run = new Run();
        for (const one of what) await run.do(one);
        await run.close(run.models[0] as Model);
        expect(run.ended).toEqual(run.expected);
        expect(run.tasks.filter(({ record }) => record.endedAt === undefined)).toEqual([]);
        expect(inOrder(await allFailures(run))).toEqual(inOrder(run.failures));
      }),
      { numRuns: 200 },
    );
  });

  it('runs each finalizer and check once and in order when scopes are closed concurrently, in any order', async () => {
    const someOrder = fc.array(fc.nat(20), { minLength: 1, maxLength: 10 });
    await fc.assert(
      fc.asyncProperty(actions, someOrder, async (what, order) => {
        warn.mockClear();
        const run = new Run();
        for (const one of what) if (one.do !== 'close') await run.do(one);
        const chosen = order.map((number) => run.models[number % run.models.length] as Model);
        await Promise.all([...chosen, run.models[0] as Model].map((model) => run.close(model)));
        expect(inOrder(run.ended)).toEqual(inOrder(run.expected));
        for (const { items, checks } of run.models) {
          const own = items.filter((item) => typeof item === 'number');
          const ended = run.ended.filter((number) => own.includes(number) || checks.includes(number));
          expect(ended).toEqual([...own.toReversed(), ...checks]);
        }
        expect(run.tasks.filter(({ record }) => record.endedAt === undefined)).toEqual([]);
        expect(inOrder(await allFailures(run))).toEqual(inOrder(run.failures));
      }),
      { numRuns: 100 },
    );
  });
});
