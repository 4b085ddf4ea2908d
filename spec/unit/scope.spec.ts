import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it, jest } from '@jest/globals';
import { openScope, type CloseError, type Scope } from '../../lib/index';
import { rejectionOf } from '../support/rejection';
import { nextLine } from '../support/this-line';

/** Defers a finalizer for each name, which notes its name in the list that this returns. */
function deferAll(scope: Scope, names: readonly string[]): string[] {
  const ended: string[] = [];
  for (const name of names) scope.defer(name, () => void ended.push(name));
  return ended;
}

/** At once, and completely. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

const fail = (reason: unknown) => () => {
  throw reason;
};

async function closeErrorOf(scope: Scope): Promise<CloseError> {
  return (await rejectionOf(scope.close())) as CloseError;
}

describe('closing a scope', () => {
  it('runs what was deferred last first', async () => {
    const scope = openScope();
    const ended = deferAll(scope, ['a', 'b', 'c']);
    await scope.close();
    expect(ended).toEqual(['c', 'b', 'a']);
  });

  it('waits for each finalizer before the next one runs', async () => {
    const scope = openScope();
    const log: string[] = [];
    for (const name of ['a', 'b']) {
      scope.defer(name, async () => {
        log.push(`${name} begins`);
        await new Promise(setImmediate);
        log.push(`${name} ends`);
      });
    }
    await scope.close();
    expect(log).toEqual(['b begins', 'b ends', 'a begins', 'a ends']);
  });

  it('takes nothing of what is deferred to be run before it closes', async () => {
    const scope = openScope();
    const ended = deferAll(scope, ['a']);
    await new Promise(setImmediate);
    expect(ended).toEqual([]);
    await scope.close();
  });

  it('resolves to how everything in it ended, with the line that gave it to the scope', async () => {
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

  it('closes at once where there is nothing to do: without a timer, before the event loop turns', async () => {
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

describe('a scope that is closed', () => {
  it('holds nothing of what it had', async () => {
    const scope = openScope();
    const held = (() => {
      const thing = { close: () => undefined };
      void scope.use(thing);
      return new WeakRef(thing);
    })();
    await new Promise(setImmediate);
    collectGarbage();
    expect(held.deref()).toBeDefined();
    await scope.close();
    await new Promise(setImmediate);
    collectGarbage();
    expect(held.deref()).toBeUndefined();
    expect(scope.signal.aborted).toBe(true);
  });
});

describe('a finalizer that fails', () => {
  it('stops nothing that comes after it, whether it throws or rejects', async () => {
    const scope = openScope();
    const ended = deferAll(scope, ['a']);
    scope.defer('throws', fail(new Error('thrown')));
    scope.defer('b', () => void ended.push('b'));
    scope.defer('rejects', () => Promise.reject(new Error('rejected')));
    await rejectionOf(scope.close());
    expect(ended).toEqual(['b', 'a']);
  });

  it('makes the close fail with every failure: in errors, in the report, and by name and line in the message', async () => {
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

  it.each([undefined, null, 0, '', 'a word'])('counts as one when it throws %j', async (reason) => {
    const scope = openScope();
    scope.defer('throws', fail(reason));
    const error = await closeErrorOf(scope);
    expect(error).toMatchObject({ code: 'CLEANUP_FAILED', report: { ends: [{ what: 'throws' }] } });
    expect(error.errors).toHaveLength(1);
  });
});

describe('a finalizer that hangs', () => {
  const hang = () => new Promise<void>(() => undefined);

  it('is reported at its deadline by its name and its line, and the rest still runs', async () => {
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

  it('hears of its deadline from its signal, and has ended well if it then ends', async () => {
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

  it('holds up nobody when it is its own scope that it waits for', async () => {
    const scope = openScope('orders', { cleanupTimeoutMs: 30 });
    const ended = deferAll(scope, ['a']);
    scope.defer('close the scope', () => scope.close());
    const error = await closeErrorOf(scope);
    expect(ended).toEqual(['a']);
    expect(error.errors).toMatchObject([{ code: 'DEADLINE_EXCEEDED', what: 'close the scope' }]);
  });
});

describe('a scope that is closed by several', () => {
  it('closes once, and gives every caller the same report', async () => {
    const scope = openScope();
    const ended = deferAll(scope, ['a', 'b']);
    const [one, other] = await Promise.all([scope.close(), scope.close({ reason: 'failed' })]);
    expect(await scope.close()).toBe(one);
    expect(other).toBe(one);
    expect(one).toMatchObject({ reason: 'done' });
    expect(ended).toEqual(['b', 'a']);
  });

  it('gives every caller the same failure', async () => {
    const scope = openScope();
    scope.defer('throws', fail(new Error('thrown')));
    const [one, other] = await Promise.allSettled([scope.close(), scope.close()]);
    expect(one).toMatchObject({ status: 'rejected' });
    expect(other).toStrictEqual(one);
  });

  it('gives a finalizer that closes it the same report', async () => {
    const scope = openScope();
    const ended = deferAll(scope, ['a']);
    let again: Promise<unknown> | undefined;
    scope.defer('close the scope', () => void (again = scope.close()));
    const report = await scope.close();
    expect(ended).toEqual(['a']);
    expect(await again).toBe(report);
  });

  it('ends everything before any caller goes on, also where its own signal makes somebody close it', async () => {
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

describe('opening a scope', () => {
  it.each([
    ['timeoutMs', Number.NaN],
    ['timeoutMs', -1],
    ['timeoutMs', Number.POSITIVE_INFINITY],
    ['cleanupTimeoutMs', Number.NaN],
    ['cleanupTimeoutMs', -1],
    ['cleanupTimeoutMs', '5' as never],
  ])('refuses %s %s', (option, ms) => {
    expect(() => openScope('x', { [option]: ms })).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining(`${option}: got ${ms}`),
      }),
    );
  });

  it('refuses such a time for a child too', () => {
    expect(() => openScope().child('x', { timeoutMs: -1 })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });
});
