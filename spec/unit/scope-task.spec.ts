import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { isCastoffError, openScope, type CloseError } from '../../lib/index';
import { rejectionOf } from '../support/rejection';
import { nextLine } from '../support/this-line';
import { until } from '../support/until';

const never = (): Promise<never> => Promise.withResolvers<never>().promise;
/** Ends when it is told to, with what it was told. */
const heed = async (signal: AbortSignal): Promise<never> => {
  if (!signal.aborted) await once(signal, 'abort');
  throw signal.reason;
};

describe('a task of a scope', () => {
  it('begins at once, and gives what it returns', async () => {
    await using scope = openScope();
    let hasBegun = false;
    const task = scope.spawn('count', async () => {
      hasBegun = true;
      return 3;
    });
    expect(hasBegun).toBe(true);
    expect(await task).toBe(3);
  });

  it('throws what it throws to whoever awaits it, and then the close does not tell it again', async () => {
    const scope = openScope();
    const failure = new Error('no such table');
    const task = scope.spawn('count', () => Promise.reject(failure));
    expect(await rejectionOf(Promise.resolve(task))).toBe(failure);
    const { ends } = await scope.close();
    expect(ends).toMatchObject([{ what: 'task count', task: { outcome: 'failed' } }]);
  });

  it('fails the close with what nobody has awaited, and with its line', async () => {
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
  ])('fails the close where it %s', async (_what, work) => {
    const scope = openScope();
    scope.spawn('odd', work);
    expect(await rejectionOf(scope.close())).toMatchObject({ code: 'CLEANUP_FAILED' });
  });

  it.each<[string, (signal: AbortSignal) => Promise<unknown>]>([
    ['the reason itself', heed],
    ['an AbortError of Node', (signal) => delay(60_000, undefined, { signal })],
    [
      'the reason within another error',
      (signal) => heed(signal).catch((cause: unknown) => throwIt(new Error('poll', { cause }))),
    ],
  ])('is cancelled when the scope closes, which waits for it; %s is no failure', async (_what, work) => {
    const scope = openScope();
    const task = scope.spawn('poll', work);
    const { ends } = await scope.close();
    expect(ends).toMatchObject([{ what: 'task poll', error: undefined, task: { outcome: 'cancelled' } }]);
    expect(task.record.endedAt).toBeInstanceOf(Date);
  });

  it('may go on using its scope until it hears that it closes: that nothing more is taken is no failure', async () => {
    const scope = openScope();
    scope.spawn('open', async (signal) => {
      while (!signal.aborted) await delay(1);
      scope.child('late');
    });
    expect(await scope.close()).toMatchObject({ ends: [{ task: { outcome: 'cancelled' } }] });
  });

  it('fails the close with what goes wrong on its way out', async () => {
    const scope = openScope();
    const failure = new Error('cannot flush');
    scope.spawn('write', (signal) => heed(signal).catch(() => throwIt(failure)));
    expect(await rejectionOf(scope.close())).toMatchObject({ errors: [failure] });
  });

  it('fails the close with an AbortError that is none of the scope', async () => {
    const scope = openScope();
    const own = AbortSignal.abort();
    scope.spawn('fetch', () => own.throwIfAborted());
    await new Promise(setImmediate);
    expect(await rejectionOf(scope.close())).toMatchObject({ errors: [own.reason] });
  });

  it('is waited for in its turn: what was given to the scope before it ends after it', async () => {
    const scope = openScope();
    const order: string[] = [];
    scope.defer('close the database', () => void order.push('database'));
    scope.spawn('use it', (signal) => heed(signal).finally(() => order.push('task')));
    scope.defer('stop asking', () => void order.push('deferred'));
    await scope.close();
    expect(order.indexOf('task')).toBeLessThan(order.indexOf('database'));
    expect(order.indexOf('deferred')).toBeLessThan(order.indexOf('database'));
  });

  it('gives what it returns on its way out also to whoever awaits it while the scope closes', async () => {
    const scope = openScope();
    const lines = scope.spawn('follow', (signal) => heed(signal).catch(() => ['a', 'b']));
    const awaited = Promise.resolve(lines);
    await scope.close();
    expect(await awaited).toEqual(['a', 'b']);
    expect(lines.record).toMatchObject({ outcome: 'done' });
  });

  it('has its start and its end on record, in the report too', async () => {
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

  it('is not begun in a scope that is cancelled', async () => {
    const reason = new Error('no longer wanted');
    const scope = openScope('orders', { signal: AbortSignal.abort(reason) });
    let hasBegun = false;
    const task = scope.spawn('count', () => void (hasBegun = true));
    expect(await rejectionOf(Promise.resolve(task))).toBe(reason);
    expect(hasBegun).toBe(false);
    expect(await scope.close()).toMatchObject({ ends: [{ task: { outcome: 'cancelled' } }] });
  });

  it('warns of no listeners, however many there are', async () => {
    const warnings: unknown[] = [];
    const note = (warning: Error): number => warnings.push(warning);
    process.on('warning', note);
    await using scope = openScope();
    for (let i = 0; i < 50; i += 1) scope.spawn('one of many', heed, { timeoutMs: 60_000 });
    await new Promise(setImmediate);
    process.off('warning', note);
    expect(warnings).toEqual([]);
  });

  it.each([undefined, 'work', Promise.resolve()])('is a function, not %p', async (work) => {
    await using scope = openScope();
    expect(() => scope.spawn('odd', work as never)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });
});

describe('a task that does not end when it is told to', () => {
  it('fails the close by its name and its line, which does not wait for it for ever', async () => {
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

  it('holds up nothing that is to end after it', async () => {
    const scope = openScope('orders', { cleanupTimeoutMs: 30 });
    let hasRun = false;
    scope.defer('close the database', () => void (hasRun = true));
    scope.spawn('poll', never);
    await rejectionOf(scope.close());
    expect(hasRun).toBe(true);
  });

  it('lets those go who await it', async () => {
    const scope = openScope('orders', { cleanupTimeoutMs: 30 });
    const awaited = rejectionOf(Promise.resolve(scope.spawn('poll', never)));
    await rejectionOf(scope.close());
    expect(await awaited).toMatchObject({ code: 'TASK_STUCK' });
  });
});

describe('a task with a time limit: begin, wait and limit in one', () => {
  const limit = { timeoutMs: 20 };
  const late = { code: 'DEADLINE_EXCEEDED', message: 'task migrate: timed out after 20 ms' };

  it('gives what it returns in time', async () => {
    await using scope = openScope();
    expect(await scope.spawn('migrate', async () => 7, { timeoutMs: 60_000 })).toBe(7);
  });

  it('is told when the time is up, and so is whoever awaits it', async () => {
    const scope = openScope();
    let told: unknown;
    const work = (signal: AbortSignal) => heed(signal).catch((reason: unknown) => throwIt((told = reason)));
    const error = await rejectionOf(Promise.resolve(scope.spawn('migrate', work, limit)));
    expect(error).toMatchObject(late);
    expect(told).toBe(error);
    await scope.close();
  });

  it('lets those go who await it, though it does not heed it', async () => {
    const scope = openScope('orders', { cleanupTimeoutMs: 10 });
    expect(await rejectionOf(Promise.resolve(scope.spawn('migrate', never, limit)))).toMatchObject(late);
    expect(await rejectionOf(scope.close())).toMatchObject({ errors: [{ code: 'TASK_STUCK' }] });
  });

  it('fails the close when nobody has awaited it', async () => {
    const scope = openScope();
    const task = scope.spawn('migrate', heed, limit);
    expect(await until(() => task.record.endedAt !== undefined, 1_000)).toBe(true);
    expect(task.record).toMatchObject({ outcome: 'failed' });
    expect(await rejectionOf(scope.close())).toMatchObject({ errors: [late] });
  });

  it('does not tell the close what it told whoever awaits it, however the work ends then', async () => {
    const scope = openScope();
    const work = (signal: AbortSignal) => delay(60_000, undefined, { signal });
    expect(await rejectionOf(Promise.resolve(scope.spawn('migrate', work, limit)))).toMatchObject(late);
    await scope.close();
  });

  it("ends with the scope's time too, with that one's reason", async () => {
    const scope = openScope('orders', { timeoutMs: 20, cleanupTimeoutMs: 10 });
    const awaited = Promise.resolve(scope.spawn('migrate', never, { timeoutMs: 60_000 }));
    const error = await rejectionOf(awaited);
    expect(error).toBe(scope.signal.reason);
    expect(error).toMatchObject({ code: 'DEADLINE_EXCEEDED', what: 'scope orders' });
    await rejectionOf(scope.close());
  });

  it('refuses a time that is none', async () => {
    await using scope = openScope();
    expect(() => scope.spawn('migrate', heed, { timeoutMs: -1 })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });
});

function throwIt(error: unknown): never {
  throw error;
}
