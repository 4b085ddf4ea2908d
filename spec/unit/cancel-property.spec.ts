import { getEventListeners, once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { deadline, isCastoffError, measure, openScope, type Scope, type Task } from '../../lib/index';
import { watchTimers } from '../support/running-timers';
import { until } from '../support/until';

const workNames = [
  'returns at once',
  'throws at once',
  'throws null',
  'resolves soon',
  'rejects soon',
  'waits for the abort',
  'polls until the abort',
  'resolves after the abort',
  'fails after the abort',
  'never settles',
  'swallows the abort and never settles',
] as const;
type WorkName = (typeof workNames)[number];

/** What a task or measured function does. */
const works: Readonly<Record<WorkName, (signal: AbortSignal) => unknown>> = {
  'returns at once': () => 1,
  'throws at once': () => throwIt(new Error('bad')),
  'throws null': () => throwIt(null),
  'resolves soon': () => delay(1),
  'rejects soon': () => delay(1).then(() => throwIt(new Error('bad'))),
  'waits for the abort': (signal: AbortSignal) => waitForAbort(signal),
  'polls until the abort': async (signal: AbortSignal) => {
    while (!signal.aborted) await delay(1);
  },
  'resolves after the abort': (signal: AbortSignal) => waitForAbort(signal).catch(() => delay(2)),
  'fails after the abort': (signal: AbortSignal) =>
    waitForAbort(signal).catch(() => throwIt(new Error('cannot flush'))),
  'never settles': () => Promise.withResolvers<never>().promise,
  'swallows the abort and never settles': (signal: AbortSignal) =>
    waitForAbort(signal).catch(() => Promise.withResolvers<never>().promise),
};
const neverSettles = (work: WorkName): boolean => work.endsWith('never settles');

/** `on` selects one of the scopes that exist at that time. */
type Action =
  | {
      readonly do: 'spawn' | 'measure';
      readonly on: number;
      readonly work: WorkName;
      readonly timeoutMs: number | undefined;
    }
  | { readonly do: 'child' | 'deadline'; readonly on: number; readonly timeoutMs: number | undefined }
  | { readonly do: 'cancel' | 'close' | 'throw'; readonly on: number }
  | { readonly do: 'wait'; readonly on: number };

const on = fc.nat(20);
const timeoutMs = fc.constantFrom(undefined, 0, 1, 3, 60_000);
const workName = fc.constantFrom(...workNames);
const actions = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ do: fc.constant('spawn' as const), on, work: workName, timeoutMs }) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('measure' as const), on, work: workName, timeoutMs }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constantFrom('child' as const, 'deadline' as const), on, timeoutMs }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constantFrom('cancel' as const, 'close' as const, 'throw' as const),
        on,
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), on }) },
  ),
  { maxLength: 15 },
);

interface OpenedScope {
  readonly scope: Scope;
  readonly user: AbortController;
}

/** Performs actions on real scopes. */
class Run {
  readonly scopes: OpenedScope[] = [open(undefined)];
  readonly tasks: { readonly task: Task<unknown>; readonly work: WorkName }[] = [];
  /** The tasks whose scope was not cancelled before. */
  readonly started = new Set<string>();
  readonly closes: Promise<unknown>[] = [];
  readonly measured: Promise<unknown>[] = [];
  readonly deadlines: (AbortSignal & Disposable)[] = [];

  async do(action: Action): Promise<void> {
    const { scope, user } = this.scopes[action.on % this.scopes.length] as OpenedScope;
    switch (action.do) {
      case 'spawn':
        return ifOpen(() => {
          const { work: name, timeoutMs: limit } = action;
          const title = `${name} ${this.tasks.length}`;
          const work: (signal: AbortSignal) => unknown = (signal) => {
            this.started.add(`task ${title}`);
            return works[name](signal);
          };
          this.tasks.push({ task: scope.spawn(title, work, { timeoutMs: limit }), work: name });
        });
      case 'measure': {
        // Without a limit, it would wait as long as its scope is open.
        const limit = action.timeoutMs ?? 5;
        const { signal } = scope;
        this.measured.push(
          measure('it', works[action.work], { signal, timeoutMs: limit }).catch((error: unknown) => error),
        );
        return;
      }
      case 'child':
        return ifOpen(() => void this.scopes.push(open(scope, action.timeoutMs)));
      case 'deadline':
        this.deadlines.push(deadline(action.timeoutMs ?? 60_000, { what: 'it', signal: scope.signal }));
        return;
      case 'cancel':
        return user.abort(new Error('no longer wanted'));
      case 'throw':
        return ifOpen(() => scope.defer('throw', () => throwIt(new Error('bad'))));
      case 'close':
        this.closes.push(scope.close().catch((error: unknown) => error));
        return;
      case 'wait':
        return delay(2);
    }
  }
}

function open(parent: Scope | undefined, limit?: number): OpenedScope {
  const user = new AbortController();
  const options = { signal: user.signal, timeoutMs: limit, cleanupTimeoutMs: 5 };
  return { user, scope: parent === undefined ? openScope('root', options) : parent.child('child', options) };
}

function ifOpen(act: () => void): void {
  try {
    act();
  } catch (error) {
    if (!isCastoffError(error, 'SCOPE_CLOSED')) throw error;
  }
}

function stuckNames(error: unknown): readonly string[] {
  if (!isCastoffError(error)) return [];
  if (error.code === 'TASK_STUCK') return [error.message];
  return (error.errors ?? []).flatMap(stuckNames);
}

describe('any interleaving of spawn, measure, cancel, throw, close and deadline', () => {
  // Failures of functions deferred too late are warnings.
  const warn = jest.spyOn(process, 'emitWarning');
  beforeEach(() => void warn.mockReset().mockImplementation(() => undefined));
  afterEach(() => void warn.mockReset());

  it('ends: no task runs that could end, each stuck one is named, and no timer or listener is left', async () => {
    await fc.assert(
      fc.asyncProperty(actions, async (sequence) => {
        using timers = watchTimers();
        const run = new Run();
        for (const action of sequence) await run.do(action);
        const [root] = run.scopes as [OpenedScope];
        const ends = await Promise.all([...run.closes, root.scope.close().catch((error: unknown) => error)]);
        await Promise.all(run.measured);
        for (const each of run.deadlines) each[Symbol.dispose]();

        const [endless, others] = [true, false].map((isEndless) =>
          run.tasks.filter(
            ({ work: name, task }) => (neverSettles(name) && run.started.has(task.what)) === isEndless,
          ),
        );
        // On a busy machine, one of the others may end after its scope has given up on it.
        expect(
          await until(() => others?.every(({ task }) => task.record.endedAt !== undefined) === true),
        ).toBe(true);
        expect(endless?.filter(({ task }) => task.record.outcome !== 'stuck')).toEqual([]);
        const named = ends.flatMap(stuckNames).join('\n');
        for (const { task } of endless ?? []) expect(named).toContain(task.what);
        expect(timers.running()).toEqual([]);
        const signals = run.scopes.flatMap(({ scope, user }) => [scope.signal, user.signal]);
        expect(signals.flatMap((signal) => getEventListeners(signal, 'abort'))).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });
});

async function waitForAbort(signal: AbortSignal): Promise<never> {
  if (!signal.aborted) await once(signal, 'abort');
  throw signal.reason;
}

function throwIt(error: unknown): never {
  throw error;
}
