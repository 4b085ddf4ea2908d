import { describe, expect, it } from '@jest/globals';
import { deadline, openScope, type Closing, type CloseReason, type Scope } from '../../lib/index';
import { until } from '../support/until';

/** What a finalizer of `scope` is told, once it has closed. */
function told(scope: Scope): { closing?: Closing } {
  const note: { closing?: Closing } = {};
  scope.defer('note', (closing) => void (note.closing = closing));
  return note;
}

/** A scope whose signal has just been aborted for that reason. */
const endedScopes: Record<Exclude<CloseReason, 'done' | 'failed'>, () => Promise<Scope>> = {
  deadline: async () => {
    const scope = openScope('slow', { timeoutMs: 1 });
    await until(() => scope.signal.aborted, 1_000);
    return scope;
  },
  cancelled: async () => {
    const user = new AbortController();
    const scope = openScope('unwanted', { signal: user.signal });
    user.abort(new Error('no longer wanted'));
    return scope;
  },
};

describe('finalizers are told why the scope closes', () => {
  it.each([
    ['done', undefined],
    ['done', 'done'],
    ['failed', 'failed'],
    ['cancelled', 'cancelled'],
  ] as const)('%s, when it is closed with the reason %s', async (reason, given) => {
    const scope = openScope();
    const note = told(scope);
    const report = await scope.close(given === undefined ? {} : { reason: given });
    expect(note.closing).toMatchObject({ reason });
    expect(report).toMatchObject({ reason });
  });

  it.each(['deadline', 'cancelled'] as const)('%s, when that has ended its work', async (reason) => {
    const scope = await endedScopes[reason]();
    const note = told(scope);
    const report = await scope.close();
    expect(note.closing).toMatchObject({ reason });
    expect(report).toMatchObject({ reason });
  });

  it.each(['deadline', 'cancelled'] as const)(
    '%s, also when whoever closes it then says that it failed: the first reason wins',
    async (reason) => {
      const scope = await endedScopes[reason]();
      const note = told(scope);
      await scope.close({ reason: 'failed' });
      expect(note.closing).toMatchObject({ reason });
    },
  );

  it('deadline, when its time is out, though nobody has looked at its signal', async () => {
    const scope = openScope('slow', { timeoutMs: 1 });
    const later = deadline(20, { what: 'the wait' });
    await until(() => later.aborted, 1_000);
    expect(await scope.close()).toMatchObject({ reason: 'deadline' });
  });

  it('done, when it is cancelled only after its close has begun', async () => {
    const user = new AbortController();
    const scope = openScope('orders', { signal: user.signal });
    const note = told(scope);
    const closing = scope.close();
    user.abort();
    expect(await closing).toMatchObject({ reason: 'done' });
    expect(note.closing).toMatchObject({ reason: 'done' });
  });

  it('deadline, when the signal that cancelled it was aborted by a deadline', async () => {
    const signal = deadline(1, { what: 'the whole test' });
    const scope = openScope('orders', { signal });
    await until(() => signal.aborted, 1_000);
    expect(await scope.close()).toMatchObject({ reason: 'deadline' });
  });

  it.each(['cancelled', 'deadline'] as const)(
    'with a signal of their own, which the end of the work (%s) has not aborted',
    async (reason) => {
      const scope = await endedScopes[reason]();
      let wasAborted: boolean | undefined;
      scope.defer('note', ({ signal }) => void (wasAborted = signal.aborted));
      await scope.close();
      expect(wasAborted).toBe(false);
    },
  );

  it('with a signal that does not outlive them', async () => {
    const scope = openScope();
    const note = told(scope);
    await scope.close();
    expect(note.closing?.signal.aborted).toBe(true);
  });
});

describe("a scope's signal", () => {
  it('is aborted by its time, with a reason that names the scope and the time', async () => {
    const { signal } = openScope('orders', { timeoutMs: 1 });
    expect(signal.aborted).toBe(false);
    await until(() => signal.aborted, 1_000);
    expect(signal.reason).toMatchObject({
      code: 'DEADLINE_EXCEEDED',
      what: 'scope orders',
      timeoutMs: 1,
      message: 'scope orders: timed out after 1 ms',
    });
  });

  it("is aborted with the user's own reason", () => {
    const user = new AbortController();
    const { signal } = openScope('orders', { signal: user.signal });
    const reason = new Error('no longer wanted');
    user.abort(reason);
    expect(signal.reason).toBe(reason);
  });

  it('is aborted from the start where the one above it is', () => {
    const reason = new Error('no longer wanted');
    expect(openScope('orders', { signal: AbortSignal.abort(reason) }).signal.reason).toBe(reason);
  });

  it('keeps its first reason', async () => {
    const user = new AbortController();
    const scope = openScope('orders', { signal: user.signal });
    const { signal } = scope;
    const reason = new Error('no longer wanted');
    user.abort(reason);
    await scope.close();
    expect(signal.reason).toBe(reason);
  });

  it('is the same one for everybody', () => {
    const scope = openScope();
    expect(scope.signal).toBe(scope.signal);
  });
});
