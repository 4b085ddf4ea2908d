import { describe, expect, it, jest } from '@jest/globals';
import { openScope, type Scope } from '../../lib/index';
import { rejectionOf } from '../support/rejection';

const closed = expect.objectContaining({ code: 'SCOPE_CLOSED' });

async function closedScope(): Promise<Scope> {
  const scope = openScope('orders');
  await scope.close();
  return scope;
}

/** A scope that keeps closing until `go` is called. */
function closingScope(): { scope: Scope; go: () => Promise<unknown> } {
  const scope = openScope('orders');
  const { promise, resolve } = Promise.withResolvers<void>();
  scope.defer('wait', () => promise);
  const closing = scope.close();
  return {
    scope,
    go: () => {
      resolve();
      return closing;
    },
  };
}

describe('a closed scope', () => {
  it('runs a function deferred too late at once, then throws SCOPE_CLOSED', async () => {
    const scope = await closedScope();
    let runs = 0;
    const defer = () => scope.defer('drop the table', () => void (runs += 1));
    expect(defer).toThrow(closed);
    expect(runs).toBe(1);
    expect(defer).toThrow('scope orders: cannot defer drop the table: the scope is closed');
    expect(runs).toBe(2);
  });

  it('emits a process warning when a function deferred too late fails', async () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const scope = await closedScope();
    expect(() => scope.defer('drop the table', () => Promise.reject(new Error('no such table')))).toThrow(
      closed,
    );
    await new Promise(setImmediate);
    expect(warn.mock.calls).toMatchObject([
      // A text: Node.js refuses an error of the sandbox that tests run in.
      [expect.stringMatching(/drop the table .*: no such table/), { code: 'CASTOFF_LATE_FINALIZER' }],
    ]);
    warn.mockRestore();
  });

  it('ends an object used too late, then rejects with SCOPE_CLOSED', async () => {
    const scope = await closedScope();
    let hasEnded = false;
    const stop = async (): Promise<void> => {
      await new Promise(setImmediate);
      hasEnded = true;
    };
    expect(await rejectionOf(scope.use({ stop }))).toEqual(closed);
    expect(hasEnded).toBe(true);
  });

  it('reports a failure to end an object used too late as the cause of SCOPE_CLOSED', async () => {
    const scope = await closedScope();
    const failure = new Error('still in use');
    const error = await rejectionOf(scope.use({ stop: () => Promise.reject(failure) }));
    expect(error).toEqual(closed);
    expect(error).toMatchObject({ cause: { code: 'CLEANUP_FAILED', errors: [failure] } });
    expect(String(error)).toContain('still in use');
  });

  it('rejects a start without calling start()', async () => {
    const scope = await closedScope();
    const start = jest.fn(() => Promise.resolve({ stop: () => undefined }));
    expect(await rejectionOf(scope.start({ start }))).toEqual(closed);
    expect(start).not.toHaveBeenCalled();
  });

  it('rejects a child scope', async () => {
    const scope = await closedScope();
    expect(() => scope.child('row 1')).toThrow(closed);
  });

  it('has an aborted signal with SCOPE_CLOSED as its reason', async () => {
    const { signal } = await closedScope();
    expect(signal).toMatchObject({ aborted: true, reason: closed });
  });
});

describe('a closing scope', () => {
  it('runs a function deferred too late once, and throws SCOPE_CLOSED', async () => {
    const { scope, go } = closingScope();
    const late = jest.fn();
    expect(() => scope.defer('late', late)).toThrow(closed);
    expect(late).toHaveBeenCalledTimes(1);
    expect(await go()).toMatchObject({ ends: [{ what: 'wait' }] });
    expect(late).toHaveBeenCalledTimes(1);
  });

  it('ends an object used too late without waiting for its own close', async () => {
    const { scope, go } = closingScope();
    const stop = jest.fn();
    expect(await rejectionOf(scope.use({ stop }))).toEqual(closed);
    expect(stop).toHaveBeenCalledTimes(1);
    await go();
    expect(stop).toHaveBeenCalledTimes(1);
  });

  it('rejects a start and a child scope', async () => {
    const { scope, go } = closingScope();
    const start = jest.fn(() => Promise.resolve({ stop: () => undefined }));
    expect(await rejectionOf(scope.start({ start }))).toEqual(closed);
    expect(() => scope.child('row 1')).toThrow(closed);
    expect(start).not.toHaveBeenCalled();
    await go();
  });

  it('aborts its signal before the first finalizer runs', async () => {
    const scope = openScope();
    const { signal } = scope;
    let wasAborted: boolean | undefined;
    scope.defer('check', () => void (wasAborted = signal.aborted));
    await scope.close();
    expect(wasAborted).toBe(true);
  });
});

describe('scope.defer', () => {
  it.each([undefined, null, 7, 'fn', {}])('rejects %j in place of a function', (fn) => {
    expect(() => openScope().defer('drop the table', fn as never)).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: expect.stringMatching(/^scope.defer drop the table: got .*; give a function$/),
      }),
    );
  });
});
