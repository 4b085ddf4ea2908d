import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { openScope, type CloseError, type CloseReport, type Scope } from '../../lib/index';
import { rejectionOf } from '../support/rejection';

const never = (): Promise<never> => new Promise(() => undefined);

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
});
afterEach(() => {
  jest.useRealTimers();
});

/** A scope with items that never end, and child scopes. */
interface Tree {
  readonly items: readonly ('finalizer' | 'task' | 'ends' | 'check' | Tree)[];
  readonly closeTimeoutMs: number | undefined;
}

const { tree } = fc.letrec<{ tree: Tree; item: Tree['items'][number] }>((tie) => ({
  item: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom('finalizer' as const, 'task' as const, 'ends' as const, 'check' as const),
    tie('tree'),
  ),
  tree: fc.record({
    items: fc.array(tie('item'), { maxLength: 6 }),
    closeTimeoutMs: fc.option(fc.integer({ min: 20, max: 20_000 }), { nil: undefined }),
  }),
}));

/** Adds the items of a tree to a scope. Returns the names of those that never end, and of all finalizers. */
function fill(scope: Scope, { items }: Tree, called: Set<string>): { stuck: string[]; all: string[] } {
  const names = { stuck: [] as string[], all: [] as string[] };
  for (const [index, item] of items.entries()) {
    const name = `${scope.name}-${index}`;
    if (item === 'task') scope.spawn(name, never);
    else if (item === 'check') scope.verify(name, () => true);
    else if (typeof item === 'string') {
      names.all.push(name);
      scope.defer(name, () => {
        called.add(name);
        return item === 'finalizer' ? never() : undefined;
      });
    } else {
      const { closeTimeoutMs } = item;
      const inner = fill(scope.child(`${index}`, { closeTimeoutMs }), item, called);
      names.stuck.push(...inner.stuck);
      names.all.push(...inner.all);
    }
    if (item === 'finalizer' || item === 'task') names.stuck.push(name);
  }
  return names;
}

async function reportOf(scope: Scope): Promise<{ report: CloseReport; text: string }> {
  const [end] = await Promise.allSettled([scope.close()]);
  if (end.status === 'fulfilled') return { report: end.value, text: '' };
  const error = end.reason as CloseError;
  return { report: error.report, text: error.message };
}

/** Resolves to whether the close has ended after that time. */
async function endsWithin(closing: Promise<unknown>, ms: number): Promise<boolean> {
  let hasEnded = false;
  void closing.then(() => (hasEnded = true));
  await jest.advanceTimersByTimeAsync(ms);
  await new Promise(setImmediate);
  return hasEnded;
}

describe('the limit of a close', () => {
  it('ends the close of any tree of scopes in time; each finalizer has run, and each that remains is named', async () => {
    await fc.assert(
      fc.asyncProperty(tree, fc.integer({ min: 20, max: 5_000 }), async (root, closeTimeoutMs) => {
        const scope = openScope('root', { closeTimeoutMs, cleanupTimeoutMs: 1_000 });
        const called = new Set<string>();
        const { stuck, all } = fill(scope, root, called);
        const closing = reportOf(scope);
        expect(await endsWithin(closing, closeTimeoutMs)).toBe(true);
        const { text } = await closing;
        for (const name of stuck) expect(text).toContain(name);
        expect([...called].toSorted()).toEqual(all.toSorted());
        expect(jest.getTimerCount()).toBe(0);
        expect(getEventListeners(scope.signal, 'abort')).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  it('needs no option: once an item has not ended in time, the others share a limit', async () => {
    const scope = openScope('orders', { cleanupTimeoutMs: 1_000 });
    const called = new Set<string>();
    const items = Array.from({ length: 20 }, () => 'finalizer' as const);
    const { stuck } = fill(scope, { items, closeTimeoutMs: undefined }, called);
    const closing = reportOf(scope);
    // One at a time would take 20 s.
    expect(await endsWithin(closing, 4_000)).toBe(true);
    const { report } = await closing;
    expect(called.size).toBe(20);
    expect(report.ends.map(({ what }) => what).toSorted()).toEqual(stuck.toSorted());
  });

  it('does not shorten a close whose items all end in their own time', async () => {
    const scope = openScope('slow', { cleanupTimeoutMs: 1_000 });
    for (let item = 0; item < 30; item += 1)
      scope.defer('slow', () => new Promise((resolve) => setTimeout(resolve, 900)));
    const closing = scope.close();
    expect(await endsWithin(closing, 30 * 1_000)).toBe(true);
    expect((await closing).ends).toHaveLength(30);
  });

  it('runs a check once when little time is left, and tells how long it was false', async () => {
    const scope = openScope('orders', { closeTimeoutMs: 1_000 });
    const check = jest.fn(() => false);
    scope.verify('the port is closed', check);
    scope.defer('stop the clock', () => new Promise((resolve) => setTimeout(resolve, 800)));
    const closing = rejectionOf(scope.close());
    expect(await endsWithin(closing, 1_000)).toBe(true);
    expect(String(await closing)).toMatch(/verify the port is closed: still false \d+ ms after cleanup/);
    expect(check).toHaveBeenCalledTimes(1);
  });

  it('skips the checks that it leaves no time for, and names them', async () => {
    const scope = openScope('orders', { closeTimeoutMs: 100 });
    scope.verify('the port is closed', () => true);
    scope.defer('stop the clock', never);
    const closing = rejectionOf(scope.close());
    expect(await endsWithin(closing, 100)).toBe(true);
    expect(String(await closing)).toMatch(
      /verify the port is closed .*: close scope orders: timed out after 100 ms/,
    );
  });

  it('aborts the signal of a finalizer', async () => {
    const scope = openScope('orders', { closeTimeoutMs: 100 });
    let reason: unknown;
    scope.defer('stop the clock', ({ signal }) => {
      signal.addEventListener('abort', () => (reason = signal.reason));
      return never();
    });
    const closing = rejectionOf(scope.close());
    expect(await endsWithin(closing, 100)).toBe(true);
    expect(String(reason)).toContain('close scope orders: timed out after 100 ms');
  });

  it.each([-1, Number.NaN, 'soon'])('refuses closeTimeoutMs: %p', (closeTimeoutMs) => {
    expect(() => openScope('orders', { closeTimeoutMs: closeTimeoutMs as number })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });
});
