import { describe, expect, it } from '@jest/globals';
import { deadline, openScope, type Closing, type CloseReason, type Scope } from '../../lib/index';
import { until } from '../support/until';

/** Records the argument that a finalizer of `scope` receives. */
function recordClosing(scope: Scope): { closing?: Closing } {
  const note: { closing?: Closing } = {};
  scope.defer('note', (closing) => void (note.closing = closing));
  return note;
}

/** A scope whose signal has just aborted for that reason. */
const endedScopes: Record<Exclude<CloseReason, 'done' | 'failed'>, () => Promise<Scope>> = {
  deadline: async () => {
    const scope = openScope('slow', { timeoutMs: 1 });
    await until(() => scope.signal.aborted);
    return scope;
  },
  cancelled: async () => {
    const user = new AbortController();
    const scope = openScope('unwanted', { signal: user.signal });
    user.abort(new Error('no longer wanted'));
    return scope;
  },
};

describe('the argument of a finalizer', () => {
  it.each([
    ['done', undefined],
    ['done', 'done'],
    ['failed', 'failed'],
    ['cancelled', 'cancelled'],
  ] as const)('has the reason %s when the scope is closed with the reason %s', async (reason, given) => {
    const scope = openScope();
    const note = recordClosing(scope);
    const report = await scope.close(given === undefined ? {} : { reason: given });
    expect(note.closing).toMatchObject({ reason });
    expect(report).toMatchObject({ reason });
  });

  it.each(['deadline', 'cancelled'] as const)(
    'has the reason %s when that ended the work of the scope',
    async (reason) => {
      const scope = await endedScopes[reason]();
      const note = recordClosing(scope);
      const report = await scope.close();
      expect(note.closing).toMatchObject({ reason });
      expect(report).toMatchObject({ reason });
    },
  );

  it.each(['deadline', 'cancelled'] as const)(
    'keeps the reason %s when the scope is then closed as failed: the first reason wins',
    async (reason) => {
      const scope = await endedScopes[reason]();
      const note = recordClosing(scope);
      await scope.close({ reason: 'failed' });
      expect(note.closing).toMatchObject({ reason });
    },
  );

  it('has the reason deadline after the timeout, even if the signal was never read', async () => {
    const scope = openScope('slow', { timeoutMs: 1 });
    const later = deadline(20, { what: 'the wait' });
    await until(() => later.aborted);
    expect(await scope.close()).toMatchObject({ reason: 'deadline' });
  });

  it('has the reason done when the scope is cancelled after it started to close', async () => {
    const user = new AbortController();
    const scope = openScope('orders', { signal: user.signal });
    const note = recordClosing(scope);
    const closing = scope.close();
    user.abort();
    expect(await closing).toMatchObject({ reason: 'done' });
    expect(note.closing).toMatchObject({ reason: 'done' });
  });

  it('has the reason deadline when a deadline aborted the signal that cancelled the scope', async () => {
    const signal = deadline(1, { what: 'the whole test' });
    const scope = openScope('orders', { signal });
    await until(() => signal.aborted);
    expect(await scope.close()).toMatchObject({ reason: 'deadline' });
  });

  it.each(['cancelled', 'deadline'] as const)(
    'has its own signal, which the end of the work (%s) does not abort',
    async (reason) => {
      const scope = await endedScopes[reason]();
      let wasAborted: boolean | undefined;
      scope.defer('note', ({ signal }) => void (wasAborted = signal.aborted));
      await scope.close();
      expect(wasAborted).toBe(false);
    },
  );

  it('has a signal that aborts when the finalizer has finished', async () => {
    const scope = openScope();
    const note = recordClosing(scope);
    await scope.close();
    expect(note.closing?.signal.aborted).toBe(true);
  });
});

describe("a scope's signal", () => {
  it('aborts at the timeout, with a reason that names the scope and the timeout', async () => {
    const { signal } = openScope('orders', { timeoutMs: 1 });
    expect(signal.aborted).toBe(false);
    await until(() => signal.aborted);
    expect(signal.reason).toMatchObject({
      code: 'DEADLINE_EXCEEDED',
      what: 'scope orders',
      timeoutMs: 1,
      message: 'scope orders: timed out after 1 ms',
    });
  });

  it("aborts with the reason of the user's signal", () => {
    const user = new AbortController();
    const { signal } = openScope('orders', { signal: user.signal });
    const reason = new Error('no longer wanted');
    user.abort(reason);
    expect(signal.reason).toBe(reason);
  });

  it('is already aborted when the user passes an aborted signal', () => {
    const reason = new Error('no longer wanted');
    expect(openScope('orders', { signal: AbortSignal.abort(reason) }).signal.reason).toBe(reason);
  });

  it('keeps the first abort reason', async () => {
    const user = new AbortController();
    const scope = openScope('orders', { signal: user.signal });
    const { signal } = scope;
    const reason = new Error('no longer wanted');
    user.abort(reason);
    await scope.close();
    expect(signal.reason).toBe(reason);
  });

  it('is the same object on every read', () => {
    const scope = openScope();
    expect(scope.signal).toBe(scope.signal);
  });
});
