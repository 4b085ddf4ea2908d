import { getEventListeners, once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { deadline, measure, openScope } from '../../lib/index';
import { rejectionOf } from '../support/rejection';
import { watchTimers, type TimerWatch } from '../support/running-timers';
import { nextLine } from '../support/this-line';
import { until } from '../support/until';

const reason = new Error('no longer wanted');
const never = (): Promise<never> => Promise.withResolvers<never>().promise;
const waitForAbort = async (signal: AbortSignal): Promise<never> => {
  if (!signal.aborted) await once(signal, 'abort');
  throw signal.reason;
};

/** Runs `work` under a limit of a minute in a signal that the user can abort. */
type Start = (work: (signal: AbortSignal) => unknown, signal: AbortSignal) => Promise<unknown>;

/** Each way to give work a signal. */
const ways: readonly [string, Start][] = [
  [
    'scope.signal',
    async (work, signal) => {
      const scope = openScope('orders', { signal, timeoutMs: 60_000 });
      try {
        scope.signal.throwIfAborted();
        return await work(scope.signal);
      } finally {
        await scope.close();
      }
    },
  ],
  [
    'deadline()',
    async (work, signal) => {
      using limited = deadline(60_000, { what: 'orders', signal });
      limited.throwIfAborted();
      return await work(limited);
    },
  ],
  [
    'scope.spawn',
    async (work, signal) => {
      await using scope = openScope('orders', { signal });
      return await scope.spawn('import', work, { timeoutMs: 60_000 });
    },
  ],
  ['measure', async (work, signal) => measure('import', work, { signal, timeoutMs: 60_000 })],
];

describe.each(ways)('work that is cancelled through %s', (_way, start) => {
  const leavesNothing = (timers: TimerWatch, user: AbortController): void => {
    expect(timers.running()).toEqual([]);
    expect(getEventListeners(user.signal, 'abort')).toEqual([]);
  };

  it('before it starts does not run', async () => {
    using timers = watchTimers();
    const user = new AbortController();
    user.abort(reason);
    let hasRun = false;
    expect(await rejectionOf(start(() => (hasRun = true), user.signal))).toBe(reason);
    expect(hasRun).toBe(false);
    leavesNothing(timers, user);
  });

  it('in a loop ends the loop, whether that waits with the signal or asks it', async () => {
    using timers = watchTimers();
    const user = new AbortController();
    const waits = start(async (signal) => {
      for (;;) await delay(1, undefined, { signal });
    }, user.signal);
    const asks = start(async (signal) => {
      while (!signal.aborted) await delay(1);
      throw signal.reason;
    }, user.signal);
    const ends = [waits, asks].map((end) => rejectionOf(end));
    await delay(5);
    user.abort(reason);
    const [waited, asked] = await Promise.all(ends);
    expect([reason, expect.objectContaining({ name: 'AbortError' })]).toContainEqual(waited);
    expect(asked).toBe(reason);
    leavesNothing(timers, user);
  });

  it('twice keeps the first reason', async () => {
    const user = new AbortController();
    const end = rejectionOf(start(waitForAbort, user.signal));
    user.abort(reason);
    user.abort(new Error('again'));
    expect(await end).toBe(reason);
  });

  it('once cannot be missed by a listener that is added later', async () => {
    const user = new AbortController();
    const end = rejectionOf(
      start(async (signal) => {
        user.abort(reason);
        await delay(1);
        return waitForAbort(signal);
      }, user.signal),
    );
    expect(await end).toBe(reason);
  });

  it('or ends by itself leaves no timer and no listener on the signal of the user', async () => {
    using timers = watchTimers();
    const user = new AbortController();
    expect(await start(() => 1, user.signal)).toBe(1);
    await rejectionOf(
      start(() => {
        throw reason;
      }, user.signal),
    );
    leavesNothing(timers, user);
  });
});

describe('work that does not listen to its signal, or swallows the cancel', () => {
  const swallow = async (signal: AbortSignal): Promise<void> => {
    await delay(60_000, undefined, { signal }).catch(() => undefined);
    await never();
  };

  it.each([
    ['never listens', never],
    ['swallows it', swallow],
  ])('is reported as TASK_STUCK with its line when it is a task that %s', async (_what, work) => {
    using timers = watchTimers();
    const user = new AbortController();
    const scope = openScope('orders', { signal: user.signal, cleanupTimeoutMs: 20 });
    const source = nextLine();
    const task = scope.spawn('import', work, { timeoutMs: 60_000 });
    user.abort(reason);
    expect(await rejectionOf(Promise.resolve(task))).toBe(reason);
    expect(await rejectionOf(scope.close())).toMatchObject({
      errors: [{ code: 'TASK_STUCK', message: expect.stringContaining(`task import (${source})`) }],
    });
    expect(timers.running()).toEqual([]);
    expect([scope.signal, user.signal].flatMap((each) => getEventListeners(each, 'abort'))).toEqual([]);
  });

  it.each([
    ['never listens', never],
    ['swallows it', swallow],
  ])('does not hold measure when it %s', async (_what, work) => {
    const user = new AbortController();
    const end = rejectionOf(measure('import', work, { signal: user.signal, timeoutMs: 60_000 }));
    user.abort(reason);
    expect(await end).toBe(reason);
  });

  it('fails the close when it swallows its own limit and returns', async () => {
    const scope = openScope('orders');
    const task = scope.spawn('import', (signal) => waitForAbort(signal).catch(() => 'done'), {
      timeoutMs: 5,
    });
    expect(await until(() => task.record.endedAt !== undefined)).toBe(true);
    expect(await rejectionOf(scope.close())).toMatchObject({ errors: [{ code: 'DEADLINE_EXCEEDED' }] });
  });
});

describe('a cancel that is meant for another task', () => {
  it('does not exist: tasks of one name are separate, and the scope ends each of them', async () => {
    const scope = openScope('orders');
    const tasks = [1, 2, 3].map(() => scope.spawn('poll', waitForAbort, { timeoutMs: 60_000 }));
    await scope.close();
    expect(tasks.map(({ record }) => record.outcome)).toEqual(['cancelled', 'cancelled', 'cancelled']);
  });

  it('does not reach the signals of the scope and of its other tasks when one task times out', async () => {
    const scope = openScope('orders');
    const late = scope.spawn('poll', waitForAbort, { timeoutMs: 5 });
    const other = scope.spawn('poll', waitForAbort, { timeoutMs: 60_000 });
    await rejectionOf(Promise.resolve(late));
    expect([scope.signal.aborted, other.record.outcome]).toEqual([false, 'running']);
    await scope.close();
  });
});
