import { getEventListeners } from 'node:events';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { openScope, type CloseError, type CloseReport, type Command, type Scope } from '../../lib/index';
import { isRunning } from '../support/process-state';
import { rejectionOf } from '../support/rejection';
import { nextLine } from '../support/this-line';
import { until } from '../support/until';

afterEach(() => {
  jest.useRealTimers();
});

const never = (): Promise<never> => new Promise(() => undefined);
const hostile = {
  get message(): string {
    throw new Error('no message');
  },
  get cause(): unknown {
    throw new Error('no cause');
  },
  toString: () => {
    throw new Error('no text');
  },
};
function throwIt(thrown: unknown): never {
  throw thrown;
}

// oxlint-disable-next-line unicorn/no-thenable -- what code returns by mistake
const thenable = (then: () => unknown): unknown => ({ then });

/** What a finalizer or task does, and whether it ends. */
const deeds = {
  returns: { run: () => 7, ends: true },
  resolves: { run: async () => 7, ends: true },
  throws: { run: () => throwIt(new Error('it failed')), ends: true },
  'throws null': { run: () => throwIt(null), ends: true },
  'throws undefined': { run: () => throwIt(undefined), ends: true },
  'throws what has no text': { run: () => throwIt(Object.create(null)), ends: true },
  'throws what throws when it is read': { run: () => throwIt(hostile), ends: true },
  'rejects with null': { run: async () => throwIt(null), ends: true },
  'never settles': { run: never, ends: false },
  'returns a thenable that never settles': { run: () => thenable(() => undefined), ends: false },
  'returns a thenable that throws': { run: () => thenable(() => throwIt(new Error('then'))), ends: true },
} satisfies Record<string, { readonly run: () => unknown; readonly ends: boolean }>;
type Deed = keyof typeof deeds;

const scripts = {
  'ends by SIGTERM': 'exec sleep 60',
  'ignores SIGTERM': 'trap "" TERM; while :; do sleep 0.05; done',
  'has ended and left a process that ignores SIGTERM': `sh -c 'trap "" TERM; while :; do sleep 0.05; done' & :`,
  'has failed': 'exit 3',
} as const;

const item = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('defer' as const), deed: fc.constantFrom(...deedNames()) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('spawn' as const), deed: fc.constantFrom(...deedNames()) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('run' as const),
      script: fc.constantFrom(...Object.values(scripts)),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('waits for its own close' as const, 'obeys' as const) }),
  },
);
type Item = typeof item extends fc.Arbitrary<infer T> ? T : never;

function deedNames(): readonly Deed[] {
  return Object.keys(deeds) as Deed[];
}

/** A scope with items, some of which never end. */
class Play {
  readonly scope: Scope;
  readonly commands: Command[] = [];
  readonly stuck: string[] = [];
  count = 0;

  constructor(scope: Scope) {
    this.scope = scope;
  }

  add(one: Item): void {
    const name = `item ${(this.count += 1)}`;
    switch (one.kind) {
      case 'defer':
        this.scope.defer(name, deeds[one.deed].run);
        if (!deeds[one.deed].ends) this.stuck.push(name);
        return;
      case 'spawn':
        this.scope.spawn(name, deeds[one.deed].run);
        if (!deeds[one.deed].ends) this.stuck.push(`task ${name}`);
        return;
      case 'run':
        this.commands.push(this.scope.run('sh', ['-c', one.script], { graceMs: 20 }));
        return;
      case 'waits for its own close':
        this.scope.defer(name, () => this.scope.close());
        this.stuck.push(name);
        return;
      case 'obeys':
        this.scope.spawn(
          name,
          (signal) => new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true })),
        );
    }
  }
}

const timers = (): number => process.getActiveResourcesInfo().filter((type) => type === 'Timeout').length;

async function reportOf(scope: Scope): Promise<CloseReport> {
  const [end] = await Promise.allSettled([scope.close()]);
  return end.status === 'fulfilled' ? end.value : (end.reason as CloseError).report;
}

describe('a scope that closes', () => {
  it('ends whatever its finalizers, tasks and commands do, and names each that remains with its line', async () => {
    const items = fc.array(item, { maxLength: 8 });
    const order = fc.constantFrom('close', 'close twice', 'cancel first', 'close the parent');
    await fc.assert(
      fc.asyncProperty(items, order, async (what, how) => {
        const before = timers();
        const cancelled = new AbortController();
        const parent = openScope('parent', { cleanupTimeoutMs: 30, signal: cancelled.signal });
        const play = new Play(parent.child('child'));
        const { signal } = play.scope;
        for (const one of what) play.add(one);
        if (how === 'cancel first') cancelled.abort();
        const closing = how === 'close the parent' ? reportOf(parent) : undefined;
        if (how === 'close twice') void reportOf(play.scope);
        const { ends } = await reportOf(play.scope);
        await closing;
        await reportOf(parent);

        expect(ends).toHaveLength(what.length);
        for (const end of ends) expect(end.source).toMatch(/^spec\/unit\/scope-shutdown\.spec\.ts:\d+$/);
        const remaining = ends.filter(({ error }) => /TASK_STUCK|DEADLINE_EXCEEDED/.test(codeOf(error)));
        expect(remaining.map((end) => end.what).toSorted()).toEqual(play.stuck.toSorted());
        expect(play.commands.filter(({ state }) => isRunning(state.pid ?? 0))).toEqual([]);
        expect(getEventListeners(signal, 'abort')).toEqual([]);
        expect(getEventListeners(cancelled.signal, 'abort')).toEqual([]);
        expect(await until(() => timers() <= before)).toBe(true);
      }),
      { numRuns: 60 },
    );
  }, 120_000);

  it('names a finalizer and a task that do not end, and values that have no text', async () => {
    const scope = openScope('orders', { cleanupTimeoutMs: 20 });
    const finalizer = nextLine();
    scope.defer('stop the clock', never);
    const task = nextLine();
    scope.spawn('poll', never);
    const thrower = nextLine();
    scope.defer('close', () => throwIt(hostile));
    const text = String(await rejectionOf(scope.close()));
    expect(text).toContain(`close (${thrower}): a thrown object without text`);
    expect(text).toContain(`task poll (${task}): still running 20 ms after its signal aborted`);
    expect(text).toContain(`stop the clock (${finalizer}): stop the clock: timed out after 20 ms`);
  });

  it('waits for all its tasks at the same time', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    const scope = openScope('orders', { cleanupTimeoutMs: 1_000 });
    for (const name of ['one', 'two', 'three']) scope.spawn(name, never);
    const closing = rejectionOf(scope.close());
    await jest.advanceTimersByTimeAsync(1_500);
    expect(await closing).toMatchObject({
      errors: [{ code: 'TASK_STUCK' }, { code: 'TASK_STUCK' }, { code: 'TASK_STUCK' }],
    });
  });
});

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
