import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { isCastoffError, openScope, type CloseError } from '../../lib/index';
import { rejectionOf } from '../support/rejection';
import { nextLine } from '../support/this-line';
import { until } from '../support/until';

const never = (): Promise<never> => Promise.withResolvers<never>().promise;
/** Rejects with the abort reason when `signal` aborts. */
const waitForAbort = async (signal: AbortSignal): Promise<never> => {
  if (!signal.aborted) await once(signal, 'abort');
  throw signal.reason;
};

describe('a task in a scope', () => {
  it('starts at once, and resolves to the result of its work', async () => {
    await using scope = openScope();
    let hasStarted = false;
    const task = scope.spawn('count', async () => {
      hasStarted = true;
      return 3;
    });
    expect(hasStarted).toBe(true);
    expect(await task).toBe(3);
  });

  it('rejects with the error of its work, which the close then does not report again', async () => {
    const scope = openScope();
    const failure = new Error('no such table');
    const task = scope.spawn('count', () => Promise.reject(failure));
    expect(await rejectionOf(Promise.resolve(task))).toBe(failure);
    const { ends } = await scope.close();
    expect(ends).toMatchObject([{ what: 'task count', task: { outcome: 'failed' } }]);
  });

  it('fails the close with its error and line when it is not awaited', async () => {
    const scope = openScope('orders');
    const failure = new Error('no such table');
    const source = nextLine();
    scope.spawn('count', () => Promise.reject(failure));
    const error = await rejectionOf(scope.close());
    expect(error).toMatchObject({ code: 'CLEANUP_FAILED', errors: [failure] });
    expect(String(error)).toContain(`task count (${source}): no such table`);
  });

  it.each([
    ['throws at once', () => throwIt(new Error('bad'))],
    ['throws undefined', () => throwIt(undefined)],
  ])('fails the close when it %s', async (_what, work) => {
    const scope = openScope();
    scope.spawn('odd', work);
    expect(await rejectionOf(scope.close())).toMatchObject({ code: 'CLEANUP_FAILED' });
  });

  it.each<[string, (signal: AbortSignal) => Promise<unknown>]>([
    ['the abort reason', waitForAbort],
    ['an AbortError from Node', (signal) => delay(60_000, undefined, { signal })],
    [
      'the reason as the cause of another error',
      (signal) => waitForAbort(signal).catch((cause: unknown) => throwIt(new Error('poll', { cause }))),
    ],
  ])(
    'is cancelled by the closing scope, which waits for it; rejecting with %s is not a failure',
    async (_what, work) => {
      const scope = openScope();
      const task = scope.spawn('poll', work);
      const { ends } = await scope.close();
      expect(ends).toMatchObject([{ what: 'task poll', error: undefined, task: { outcome: 'cancelled' } }]);
      expect(task.record.endedAt).toBeInstanceOf(Date);
    },
  );

  it('is cancelled, not failed, by the SCOPE_CLOSED of a call on its closing scope', async () => {
    const scope = openScope();
    scope.spawn('open', async (signal) => {
      while (!signal.aborted) await delay(1);
      scope.child('late');
    });
    expect(await scope.close()).toMatchObject({ ends: [{ task: { outcome: 'cancelled' } }] });
  });

  it('fails the close with an error thrown after the cancellation', async () => {
    const scope = openScope();
    const failure = new Error('cannot flush');
    scope.spawn('write', (signal) => waitForAbort(signal).catch(() => throwIt(failure)));
    expect(await rejectionOf(scope.close())).toMatchObject({ errors: [failure] });
  });

  it('fails the close with an AbortError of another signal', async () => {
    const scope = openScope();
    const own = AbortSignal.abort();
    scope.spawn('fetch', () => own.throwIfAborted());
    await new Promise(setImmediate);
    expect(await rejectionOf(scope.close())).toMatchObject({ errors: [own.reason] });
  });

  it('ends in turn, before the items added before it', async () => {
    const scope = openScope();
    const order: string[] = [];
    scope.defer('close the database', () => void order.push('database'));
    scope.spawn('use it', (signal) => waitForAbort(signal).finally(() => order.push('task')));
    scope.defer('stop asking', () => void order.push('deferred'));
    await scope.close();
    expect(order.indexOf('task')).toBeLessThan(order.indexOf('database'));
    expect(order.indexOf('deferred')).toBeLessThan(order.indexOf('database'));
  });

  it('resolves to its result for callers that await it while the scope closes', async () => {
    const scope = openScope();
    const lines = scope.spawn('follow', (signal) => waitForAbort(signal).catch(() => ['a', 'b']));
    const awaited = Promise.resolve(lines);
    await scope.close();
    expect(await awaited).toEqual(['a', 'b']);
    expect(lines.record).toMatchObject({ outcome: 'done' });
  });

  it('records its start and its end, which the report includes', async () => {
    const scope = openScope();
    const before = Date.now();
    const task = scope.spawn('count', () => delay(5));
    expect(task.record).toMatchObject({ name: 'count', outcome: 'running', endedAt: undefined });
    await task;
    const { startedAt, endedAt, outcome } = task.record;
    expect(startedAt.getTime()).toBeGreaterThanOrEqual(before);
    expect(endedAt!.getTime()).toBeGreaterThan(startedAt.getTime());
    expect(outcome).toBe('done');
    expect((await scope.close()).ends[0]?.task).toEqual(task.record);
  });

  it('does not start in a cancelled scope', async () => {
    const reason = new Error('no longer wanted');
    const scope = openScope('orders', { signal: AbortSignal.abort(reason) });
    let hasStarted = false;
    const task = scope.spawn('count', () => void (hasStarted = true));
    expect(await rejectionOf(Promise.resolve(task))).toBe(reason);
    expect(hasStarted).toBe(false);
    expect(await scope.close()).toMatchObject({ ends: [{ task: { outcome: 'cancelled' } }] });
  });

  it('does not cause a warning about too many listeners', async () => {
    const warnings: unknown[] = [];
    const note = (warning: Error): number => warnings.push(warning);
    process.on('warning', note);
    await using scope = openScope();
    for (let i = 0; i < 50; i += 1) scope.spawn('one of many', waitForAbort, { timeoutMs: 60_000 });
    await new Promise(setImmediate);
    process.off('warning', note);
    expect(warnings).toEqual([]);
  });

  it.each([undefined, 'work', Promise.resolve()])('rejects %p in place of a function', async (work) => {
    await using scope = openScope();
    expect(() => scope.spawn('odd', work as never)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });
});

describe('a task that ignores its signal', () => {
  it('fails the close at its deadline, with its name and line', async () => {
    const scope = openScope('orders', { cleanupTimeoutMs: 30 });
    const source = nextLine();
    const task = scope.spawn('poll', never);
    const error = (await rejectionOf(scope.close())) as CloseError;
    expect(isCastoffError(error.errors?.[0], 'TASK_STUCK')).toBe(true);
    expect(String(error.errors?.[0])).toContain(
      `task poll (${source}): still running 30 ms after its signal aborted`,
    );
    expect(error.report.ends).toMatchObject([{ what: 'task poll', task: { outcome: 'stuck' } }]);
    expect(task.record.endedAt).toBeUndefined();
  });

  it('does not stop the finalizers after it', async () => {
    const scope = openScope('orders', { cleanupTimeoutMs: 30 });
    let hasRun = false;
    scope.defer('close the database', () => void (hasRun = true));
    scope.spawn('poll', never);
    await rejectionOf(scope.close());
    expect(hasRun).toBe(true);
  });

  it('rejects with TASK_STUCK for callers that await it', async () => {
    const scope = openScope('orders', { cleanupTimeoutMs: 30 });
    const awaited = rejectionOf(Promise.resolve(scope.spawn('poll', never)));
    await rejectionOf(scope.close());
    expect(await awaited).toMatchObject({ code: 'TASK_STUCK' });
  });
});

describe('a task with a timeout', () => {
  const limit = { timeoutMs: 20 };
  const late = { code: 'DEADLINE_EXCEEDED', message: 'task migrate: timed out after 20 ms' };

  it('resolves to its result in time', async () => {
    await using scope = openScope();
    expect(await scope.spawn('migrate', async () => 7, { timeoutMs: 60_000 })).toBe(7);
  });

  it('aborts its signal at the timeout, and rejects with the same reason', async () => {
    const scope = openScope();
    let abortReason: unknown;
    const work = (signal: AbortSignal) =>
      waitForAbort(signal).catch((reason: unknown) => throwIt((abortReason = reason)));
    const error = await rejectionOf(Promise.resolve(scope.spawn('migrate', work, limit)));
    expect(error).toMatchObject(late);
    expect(abortReason).toBe(error);
    await scope.close();
  });

  it('rejects at the timeout for callers that await it, even if it ignores its signal', async () => {
    const scope = openScope('orders', { cleanupTimeoutMs: 10 });
    expect(await rejectionOf(Promise.resolve(scope.spawn('migrate', never, limit)))).toMatchObject(late);
    expect(await rejectionOf(scope.close())).toMatchObject({ errors: [{ code: 'TASK_STUCK' }] });
  });

  it('fails the close when its timeout was not awaited', async () => {
    const scope = openScope();
    const task = scope.spawn('migrate', waitForAbort, limit);
    expect(await until(() => task.record.endedAt !== undefined)).toBe(true);
    expect(task.record).toMatchObject({ outcome: 'failed' });
    expect(await rejectionOf(scope.close())).toMatchObject({ errors: [late] });
  });

  it('fails the close with its timeout and its own error', async () => {
    const scope = openScope();
    const failure = new Error('no such table');
    const work = (signal: AbortSignal) => waitForAbort(signal).catch(() => throwIt(failure));
    const task = scope.spawn('migrate', work, limit);
    expect(await until(() => task.record.endedAt !== undefined)).toBe(true);
    const error = await rejectionOf(scope.close());
    expect(error).toMatchObject({ errors: [{ code: 'CLEANUP_FAILED', errors: [failure, late] }] });
    expect(String(error)).toMatch(/2 failures\n +no such table\n +task migrate: timed out after 20 ms$/);
  });

  it('does not fail the close when its timeout was awaited', async () => {
    const scope = openScope();
    const work = (signal: AbortSignal) => delay(60_000, undefined, { signal });
    expect(await rejectionOf(Promise.resolve(scope.spawn('migrate', work, limit)))).toMatchObject(late);
    await scope.close();
  });

  it("rejects at the scope's timeout with that reason", async () => {
    const scope = openScope('orders', { timeoutMs: 20, cleanupTimeoutMs: 10 });
    const awaited = Promise.resolve(scope.spawn('migrate', never, { timeoutMs: 60_000 }));
    const error = await rejectionOf(awaited);
    expect(error).toBe(scope.signal.reason);
    expect(error).toMatchObject({ code: 'DEADLINE_EXCEEDED', what: 'scope orders' });
    await rejectionOf(scope.close());
  });

  it('rejects a negative timeout', async () => {
    await using scope = openScope();
    expect(() => scope.spawn('migrate', waitForAbort, { timeoutMs: -1 })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });
});

function throwIt(error: unknown): never {
  throw error;
}
