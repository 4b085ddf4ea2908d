import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { isCastoffError, openScope, type Scope, type Task } from '../../lib/index';
import { until } from '../support/until';

const endings = ['returns', 'throws', 'resolves', 'rejects'] as const;
type Ending = (typeof endings)[number];

/** `on` chooses among the scopes that there are by then. */
type Deed =
  | { readonly do: 'defer' | 'use'; readonly on: number; readonly ending: Ending }
  | {
      readonly do: 'spawn';
      readonly on: number;
      readonly ending: Ending | 'heeds';
      readonly isAwaited: boolean;
    }
  | { readonly do: 'child' | 'close' | 'verify'; readonly on: number };

const deeds = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: deed('defer') },
    { weight: 2, arbitrary: deed('use') },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('child' as const), on: fc.nat(20) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('close' as const), on: fc.nat(20) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('verify' as const), on: fc.nat(20) }) },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('spawn' as const),
        on: fc.nat(20),
        ending: fc.constantFrom(...endings, 'heeds' as const),
        isAwaited: fc.boolean(),
      }),
    },
  ),
  { maxLength: 25 },
);

function deed<Name extends 'defer' | 'use'>(name: Name) {
  return fc.record({ do: fc.constant(name), on: fc.nat(20), ending: fc.constantFrom(...endings) });
}

/** What a scope is expected to have: finalizers by number, and scopes. */
interface Model {
  readonly scope: Scope;
  readonly items: (number | Model)[];
  /** What is verified when all items have ended. */
  readonly checks: number[];
  isClosed: boolean;
}

/** Does what it is told with real scopes, and notes what is to be expected of them. */
class Run {
  readonly models: Model[] = [{ scope: openScope('root'), items: [], checks: [], isClosed: false }];
  readonly ended: number[] = [];
  readonly expected: number[] = [];
  readonly failures: Error[] = [];
  /** What every caller of a close was told. */
  readonly told: unknown[] = [];
  readonly tasks: Task<void>[] = [];
  /** What those were told who awaited a task. */
  readonly awaited: unknown[] = [];

  async do(what: Deed): Promise<void> {
    const model = this.models[what.on % this.models.length] as Model;
    switch (what.do) {
      case 'defer':
        return this.#give(model, what.ending, async (run) => model.scope.defer('it', run));
      case 'use':
        return this.#give(model, what.ending, async (stop) => void (await model.scope.use({ stop })));
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
    await model.scope.close().catch((error: unknown) => this.told.push(error));
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

  #spawn(model: Model, { ending, isAwaited }: Deed & { do: 'spawn' }): void {
    const number = this.tasks.length;
    const work = async (signal: AbortSignal): Promise<void> => {
      if (ending === 'heeds') return heed(signal);
      await this.#meet(`task ${number}`, ending);
    };
    const begin = (): Task<void> => model.scope.spawn('it', work);
    if (model.isClosed) return expectRefusal(begin);
    const task = begin();
    this.tasks.push(task);
    if (isAwaited && ending !== 'heeds') task.then(undefined, (error: unknown) => this.awaited.push(error));
  }

  async #give(model: Model, ending: Ending, add: (run: () => unknown) => Promise<void>): Promise<void> {
    const number = this.#finalizers;
    this.#finalizers += 1;
    if (model.isClosed) this.expected.push(number);
    else model.items.push(number);
    const adding = add(() => this.#end(number, ending));
    if (!model.isClosed) return adding;
    const error: unknown = await adding.catch((reason: unknown) => reason);
    expect(isCastoffError(error, 'SCOPE_CLOSED')).toBe(true);
    // Nobody is told of what was used too late but who gave it.
    if (error instanceof Error && error.cause !== undefined) this.told.push(error.cause);
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
    return this.#meet(`finalizer ${number}`, ending);
  }

  #meet(what: string, ending: Ending): unknown {
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

/** Ends when it is told to. */
async function heed(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
  throw signal.reason;
}

/** The errors that a close was rejected with, and those inside them, each once however many were told of it. */
function closeErrorsIn(errors: readonly unknown[], found = new Set<unknown>()): Set<unknown> {
  for (const error of errors) {
    if (!isCastoffError(error, 'CLEANUP_FAILED') || found.has(error)) continue;
    found.add(error);
    closeErrorsIn(error.errors ?? [], found);
  }
  return found;
}

function failuresIn(told: readonly unknown[]): unknown[] {
  return [...closeErrorsIn(told)]
    .flatMap((error) => (error as { errors: readonly unknown[] }).errors)
    .filter((error) => !isCastoffError(error));
}

const inOrder = (items: readonly unknown[]): string[] => items.map(String).toSorted();

describe('whatever is deferred, used, spawned, verified, opened, closed and thrown', () => {
  const warn = jest.spyOn(process, 'emitWarning');
  beforeEach(() => void warn.mockReset().mockImplementation(() => undefined));
  afterEach(() => void warn.mockReset());

  /** Also those that came too late for anybody to be told, of which the process is warned. */
  const allFailures = async (run: Run): Promise<unknown[]> => {
    const warnings = () => warn.mock.calls.map(([warning]) => warning);
    const collect = () => [...failuresIn([...run.told, ...warnings()]), ...run.awaited];
    await until(() => collect().length >= run.failures.length, 1_000);
    return collect();
  };

  it('runs every finalizer once, in reverse, then what is verified, ends every task, and reports every failure once', async () => {
    await fc.assert(
      fc.asyncProperty(deeds, async (what) => {
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

  it('does so too when all scopes are closed at once, in any order', async () => {
    const someOrder = fc.array(fc.nat(20), { minLength: 1, maxLength: 10 });
    await fc.assert(
      fc.asyncProperty(deeds, someOrder, async (what, order) => {
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
