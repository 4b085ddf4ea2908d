import { getEventListeners } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { deadline, isCastoffError, openScope } from '../../lib/index';
import { rejectionOf } from '../support/rejection';
import { watchTimers } from '../support/running-timers';

const aborted = (signal: AbortSignal): Promise<unknown> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(signal.reason);
    signal.addEventListener('abort', () => resolve(signal.reason), { once: true });
  });

describe('a deadline', () => {
  it('aborts when it expires, with the operation and the timeout in its reason', async () => {
    const startedAt = performance.now();
    const reason = await aborted(deadline(30, { what: 'start postgres' }));
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(29);
    expect(isCastoffError(reason, 'DEADLINE_EXCEEDED')).toBe(true);
    expect(reason).toMatchObject({
      message: 'start postgres: timed out after 30 ms',
      what: 'start postgres',
      timeoutMs: 30,
    });
  });

  it('does not abort before it expires', async () => {
    const signal = deadline(60_000, { what: 'anything' });
    await new Promise((resolve) => setImmediate(resolve));
    expect(signal.aborted).toBe(false);
  });

  it('aborts with the reason of the given signal when that aborts first', async () => {
    const leaving = new AbortController();
    const signal = deadline(60_000, { what: 'anything', signal: leaving.signal });
    const reason = new Error('no longer wanted');
    leaving.abort(reason);
    expect(await aborted(signal)).toBe(reason);
  });

  it('is aborted immediately when the given signal is', () => {
    const reason = { not: 'an error' };
    expect(deadline(60_000, { what: 'anything', signal: AbortSignal.abort(reason) }).reason).toBe(reason);
  });

  it('keeps its own reason when the given signal aborts later', async () => {
    const leaving = new AbortController();
    const signal = deadline(1, { what: 'anything', signal: leaving.signal });
    const reason = await aborted(signal);
    leaving.abort(new Error('too late'));
    expect(signal.reason).toBe(reason);
    expect(isCastoffError(reason, 'DEADLINE_EXCEEDED')).toBe(true);
  });

  it.each([-1, NaN, Infinity, 2 ** 31])('of %s ms is rejected', (timeoutMs) => {
    expect(() => deadline(timeoutMs, { what: 'anything' })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(`${timeoutMs}`) }),
    );
  });
});

describe('nested deadlines', () => {
  const rejectAtAbort = (signal: AbortSignal): Promise<never> =>
    aborted(signal).then((reason) => {
      throw reason;
    });

  it('end at the nearest one, the outer, whose reason names it and the limits further away', async () => {
    const outer = deadline(20, { what: 'the suite' });
    const middle = deadline(60_000, { what: 'the test', signal: outer });
    const inner = deadline(90_000, { what: 'the query', signal: middle });
    const reason = await aborted(inner);
    expect(reason).toBe(outer.reason);
    expect(reason).toMatchObject({
      what: 'the suite',
      message:
        'the suite: timed out after 20 ms; this was the nearest limit; further away: the test (1 min 0 s)',
    });
  });

  it('end at the nearest one, the inner, and leave the outer', async () => {
    const outer = deadline(60_000, { what: 'the suite' });
    const inner = deadline(10, { what: 'the query', signal: outer });
    expect(await aborted(inner)).toMatchObject({ message: 'the query: timed out after 10 ms' });
    expect(outer.aborted).toBe(false);
    outer[Symbol.dispose]();
  });

  it("include those of scopes, child scopes and tasks: a task gets its scope's reason, which names the task", async () => {
    const scope = openScope('orders', { timeoutMs: 20 });
    const child = scope.child('import', { timeoutMs: 30_000 });
    const task = child.spawn('migrate', rejectAtAbort, { timeoutMs: 60_000 });
    const beside = scope.child('no limit').spawn('poll', rejectAtAbort, { timeoutMs: 50_000 });
    const error = await rejectionOf(Promise.resolve(task));
    expect(error).toBe(scope.signal.reason);
    expect(await rejectionOf(Promise.resolve(beside))).toBe(error);
    expect(String(error)).toBe(
      'DeadlineError: scope orders: timed out after 20 ms; this was the nearest limit; ' +
        'further away: scope orders/import (30.0 s), task poll (50.0 s)',
    );
    await scope.close();
  });

  it('name no limit of an operation that has ended', async () => {
    const scope = openScope('orders', { timeoutMs: 40 });
    await scope.spawn('migrate', () => undefined, { timeoutMs: 60_000 });
    await scope.child('import', { timeoutMs: 60_000 }).close();
    deadline(60_000, { what: 'the query', signal: scope.signal })[Symbol.dispose]();
    expect(await aborted(scope.signal)).toMatchObject({ message: 'scope orders: timed out after 40 ms' });
    await scope.close();
  });

  it('name three of many', async () => {
    const outer = deadline(10, { what: 'the suite' });
    for (let i = 1; i < 6; i += 1) deadline(i * 60_000, { what: `query ${i}`, signal: outer });
    expect(String(await aborted(outer))).toMatch(/query 3 \(3 min 0 s\), and 2 more$/);
  });
});

describe('a deadline that is not needed any more', () => {
  it.each<[string, (signal: AbortSignal & Disposable, user: AbortController) => unknown]>([
    ['it is disposed of', (signal) => signal[Symbol.dispose]()],
    ['the given signal aborts', (_signal, user) => user.abort()],
    ['it has expired', (signal) => aborted(signal)],
  ])('leaves no timer and no listener when %s', async (when, end) => {
    using timers = watchTimers();
    const user = new AbortController();
    const timeoutMs = when === 'it has expired' ? 1 : 60_000;
    const signal = deadline(timeoutMs, { what: 'anything', signal: user.signal });
    await end(signal, user);
    expect(timers.running()).toEqual([]);
    expect([signal, user.signal].flatMap((each) => getEventListeners(each, 'abort'))).toEqual([]);
  });

  it('starts no timer that outlives the call when the given signal is aborted', () => {
    using timers = watchTimers();
    deadline(60_000, { what: 'anything', signal: AbortSignal.abort() });
    expect(timers.running()).toEqual([]);
  });

  it('is ended by the end of a block', () => {
    using timers = watchTimers();
    {
      using signal = deadline(60_000, { what: 'anything' });
      expect(signal.aborted).toBe(false);
      expect(timers.running()).toHaveLength(1);
    }
    expect(timers.running()).toEqual([]);
  });
});
