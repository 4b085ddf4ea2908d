import { describe, expect, it, jest } from '@jest/globals';
import { openScope, type CloseError, type Scope } from '../../lib/index';
import { collectGarbage, isCollected } from '../support/garbage';
import { rejectionOf } from '../support/rejection';
import { nextLine } from '../support/this-line';

/** Defers a finalizer per name, which adds its name to the returned list. */
function deferAll(scope: Scope, names: readonly string[]): string[] {
  const ended: string[] = [];
  for (const name of names) scope.defer(name, () => void ended.push(name));
  return ended;
}

const fail = (reason: unknown) => () => {
  throw reason;
};

async function closeErrorOf(scope: Scope): Promise<CloseError> {
  return (await rejectionOf(scope.close())) as CloseError;
}

describe('closing a scope', () => {
  it('runs deferred functions in reverse order', async () => {
    const scope = openScope();
    const ended = deferAll(scope, ['a', 'b', 'c']);
    await scope.close();
    expect(ended).toEqual(['c', 'b', 'a']);
  });

  it('waits for each finalizer before it runs the next', async () => {
    const scope = openScope();
    const log: string[] = [];
    for (const name of ['a', 'b']) {
      scope.defer(name, async () => {
        log.push(`${name} starts`);
        await new Promise(setImmediate);
        log.push(`${name} ends`);
      });
    }
    await scope.close();
    expect(log).toEqual(['b starts', 'b ends', 'a starts', 'a ends']);
  });

  it('does not run a deferred function before the scope closes', async () => {
    const scope = openScope();
    const ended = deferAll(scope, ['a']);
    await new Promise(setImmediate);
    expect(ended).toEqual([]);
    await scope.close();
  });

  it('resolves to the outcome of each item, with the line that added it', async () => {
    const scope = openScope('test of orders');
    const first = nextLine();
    scope.defer('drop the table', () => 'ignored');
    const second = nextLine();
    scope.defer('close the pool', () => undefined);
    expect(await scope.close()).toEqual({
      scope: 'test of orders',
      reason: 'done',
      durationMs: expect.any(Number),
      ends: [
        { what: 'close the pool', source: second, durationMs: expect.any(Number) },
        { what: 'drop the table', source: first, durationMs: expect.any(Number) },
      ],
    });
  });

  it('closes an empty scope without a timer, before the next turn of the event loop', async () => {
    const setTimer = jest.spyOn(globalThis, 'setTimeout');
    const scopes = Array.from({ length: 1_000 }, () => openScope());
    let hasTurned = false;
    const turn = new Promise<void>((resolve) => setImmediate(() => resolve(void (hasTurned = true))));
    for (const scope of scopes) await scope.close();
    expect(hasTurned).toBe(false);
    expect(setTimer).not.toHaveBeenCalled();
    setTimer.mockRestore();
    await turn;
  });
});

describe('a closed scope', () => {
  it('releases its items to the garbage collector', async () => {
    const scope = openScope();
    const held = (() => {
      const server = { close: () => undefined };
      void scope.use(server);
      return new WeakRef(server);
    })();
    await new Promise(setImmediate);
    collectGarbage();
    expect(held.deref()).toBeDefined();
    await scope.close();
    expect(await isCollected(held)).toBe(true);
    expect(scope.signal.aborted).toBe(true);
  });
});

describe('a failing finalizer', () => {
  it('does not stop the finalizers after it, whether it throws or rejects', async () => {
    const scope = openScope();
    const ended = deferAll(scope, ['a']);
    scope.defer('throws', fail(new Error('thrown')));
    scope.defer('b', () => void ended.push('b'));
    scope.defer('rejects', () => Promise.reject(new Error('rejected')));
    await rejectionOf(scope.close());
    expect(ended).toEqual(['b', 'a']);
  });

  it('fails the close with all failures in `errors`, in the report, and by name and line in the message', async () => {
    const scope = openScope('orders');
    const [first, second] = [new Error('no such table'), new Error('pool is busy\n  with details')];
    const drop = nextLine();
    scope.defer('drop the table', fail(first));
    scope.defer('stop the clock', () => undefined);
    const close = nextLine();
    scope.defer('close the pool', fail(second));
    const error = await closeErrorOf(scope);
    expect(error).toMatchObject({ code: 'CLEANUP_FAILED', name: 'CloseError', cause: second });
    expect(error.errors).toEqual([second, first]);
    expect(error.message).toBe(
      [
        'close scope orders: 2 of 3 items failed',
        `  close the pool (${close}): pool is busy`,
        `  drop the table (${drop}): no such table`,
      ].join('\n'),
    );
    expect(error.report.ends.map(({ what, error: failure }) => [what, failure])).toEqual([
      ['close the pool', second],
      ['stop the clock', undefined],
      ['drop the table', first],
    ]);
  });

  it.each([undefined, null, 0, '', 'a word'])('fails the close when it throws %j', async (reason) => {
    const scope = openScope();
    scope.defer('throws', fail(reason));
    const error = await closeErrorOf(scope);
    expect(error).toMatchObject({ code: 'CLEANUP_FAILED', report: { ends: [{ what: 'throws' }] } });
    expect(error.errors).toHaveLength(1);
  });
});

describe('a hanging finalizer', () => {
  const hang = () => new Promise<void>(() => undefined);

  it('fails with its name and line at its deadline, and the others still run', async () => {
    const scope = openScope('orders', { cleanupTimeoutMs: 30 });
    const ended = deferAll(scope, ['a']);
    const source = nextLine();
    scope.defer('close the pool', hang);
    const error = await closeErrorOf(scope);
    expect(ended).toEqual(['a']);
    expect(error.errors).toMatchObject([
      { code: 'DEADLINE_EXCEEDED', what: 'close the pool', timeoutMs: 30 },
    ]);
    expect(error.message).toContain(`close the pool (${source}): close the pool: timed out after 30 ms`);
  });

  it('succeeds when it ends because its signal aborts at the deadline', async () => {
    const scope = openScope('orders', { cleanupTimeoutMs: 30 });
    let reason: unknown;
    scope.defer('drain', async ({ signal }) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      reason = signal.reason;
    });
    const { ends } = await scope.close();
    expect(reason).toMatchObject({ code: 'DEADLINE_EXCEEDED', what: 'drain' });
    expect(ends).toMatchObject([{ what: 'drain' }]);
  });

  it('fails at its deadline when it waits for its own scope to close', async () => {
    const scope = openScope('orders', { cleanupTimeoutMs: 30 });
    const ended = deferAll(scope, ['a']);
    scope.defer('close the scope', () => scope.close());
    const error = await closeErrorOf(scope);
    expect(ended).toEqual(['a']);
    expect(error.errors).toMatchObject([{ code: 'DEADLINE_EXCEEDED', what: 'close the scope' }]);
  });
});

describe('closing a scope several times', () => {
  it('closes the scope once and gives all callers the same report', async () => {
    const scope = openScope();
    const ended = deferAll(scope, ['a', 'b']);
    const [one, other] = await Promise.all([scope.close(), scope.close({ reason: 'failed' })]);
    expect(await scope.close()).toBe(one);
    expect(other).toBe(one);
    expect(one).toMatchObject({ reason: 'done' });
    expect(ended).toEqual(['b', 'a']);
  });

  it('gives all callers the same failure', async () => {
    const scope = openScope();
    scope.defer('throws', fail(new Error('thrown')));
    const [one, other] = await Promise.allSettled([scope.close(), scope.close()]);
    expect(one).toMatchObject({ status: 'rejected' });
    expect(other).toStrictEqual(one);
  });

  it('gives a finalizer that closes its scope the same report', async () => {
    const scope = openScope();
    const ended = deferAll(scope, ['a']);
    let again: Promise<unknown> | undefined;
    scope.defer('close the scope', () => void (again = scope.close()));
    const report = await scope.close();
    expect(ended).toEqual(['a']);
    expect(await again).toBe(report);
  });

  it('ends all items before it resolves, even when a listener of its signal closes the scope too', async () => {
    const scope = openScope();
    let again: Promise<unknown> | undefined;
    scope.signal.addEventListener('abort', () => void (again = scope.close()));
    const ended = deferAll(scope, ['a', 'b']);
    const report = await scope.close();
    expect(ended).toEqual(['b', 'a']);
    expect(report).toMatchObject({ reason: 'done', ends: [{ what: 'b' }, { what: 'a' }] });
    expect(await again).toBe(report);
  });
});

describe('await using', () => {
  it('closes the scope at the end of the block', async () => {
    let ended: string[];
    {
      await using scope = openScope();
      ended = deferAll(scope, ['a', 'b']);
    }
    expect(ended).toEqual(['b', 'a']);
  });
});

describe('openScope', () => {
  it.each([
    ['timeoutMs', Number.NaN],
    ['timeoutMs', -1],
    ['timeoutMs', Number.POSITIVE_INFINITY],
    ['cleanupTimeoutMs', Number.NaN],
    ['cleanupTimeoutMs', -1],
    ['cleanupTimeoutMs', '5' as never],
  ])('rejects %s %s', (option, ms) => {
    expect(() => openScope('x', { [option]: ms })).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining(`${option}: got ${ms}`),
      }),
    );
  });

  it('rejects an invalid timeout of a child too', () => {
    expect(() => openScope().child('x', { timeoutMs: -1 })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });
});
