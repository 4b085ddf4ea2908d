import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import { openScope } from '../../lib/index';
import { rejectionOf } from '../support/rejection';
import { nextLine } from '../support/this-line';

/** A check that calls one function per attempt, and the last one on every further attempt. */
const checkOf = (...given: readonly (() => unknown)[]) => {
  const left = [...given];
  return jest.fn(() => (left.length > 1 ? left.shift() : left[0])?.());
};
const no = (): boolean => false;
const yes = (): boolean => true;
const fail = (): never => {
  throw new Error('still there');
};

describe('a check after the cleanup', () => {
  it('runs after all items of the scope have ended, in the order of the verify calls', async () => {
    const scope = openScope();
    const order: string[] = [];
    scope.verify('first', () => void order.push('first'));
    scope.defer('close the database', () => void order.push('deferred'));
    scope.child('inner').defer('close the file', () => void order.push('inner'));
    scope.verify('second', () => void order.push('second'));
    const { ends } = await scope.close();
    expect(order).toEqual(['inner', 'deferred', 'first', 'second']);
    expect(ends.map(({ what }) => what).slice(2)).toEqual(['verify first', 'verify second']);
  });

  it('runs even after an item has failed', async () => {
    const scope = openScope();
    const failure = new Error('busy');
    scope.defer('close the database', () => Promise.reject(failure));
    const check = checkOf(yes);
    scope.verify('the port is closed', check);
    expect(await rejectionOf(scope.close())).toMatchObject({ errors: [failure] });
    expect(check).toHaveBeenCalledTimes(1);
  });

  it.each([
    ['returns true', yes],
    ['returns nothing', () => undefined],
    ['resolves', () => Promise.resolve('anything')],
  ])('passes when it %s', async (_what, check) => {
    const scope = openScope();
    const counted = checkOf(check);
    scope.verify('it', counted);
    expect(await scope.close()).toMatchObject({ ends: [{ what: 'verify it' }] });
    expect(counted).toHaveBeenCalledTimes(1);
  });

  it.each([
    ['returned false', no],
    ['resolved to false', () => Promise.resolve(false)],
    ['threw', fail],
    ['rejected', () => Promise.reject(new Error('still there'))],
  ])('is retried for a short time after it %s', async (_what, first) => {
    const scope = openScope();
    const check = checkOf(first, first, yes);
    scope.verify('it', check);
    await scope.close();
    expect(check).toHaveBeenCalledTimes(3);
  });

  it('passes when a port closes a moment after the finalizer of its server', async () => {
    await using scope = openScope();
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    scope.defer('close the server', () => void setTimeout(() => server.close(), 30));
    scope.verify('the port is closed', () => !isListening(server));
    await scope.close();
    expect(isListening(server)).toBe(false);
  });

  it('is rejected by a closed scope', async () => {
    const scope = openScope('orders');
    await scope.close();
    expect(() => scope.verify('it', yes)).toThrow(expect.objectContaining({ code: 'SCOPE_CLOSED' }));
  });

  it('has to be a function', async () => {
    await using scope = openScope();
    expect(() => scope.verify('it', true as never)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining('got boolean') }),
    );
  });
});

describe('a check that still fails after its retries', () => {
  const next = checkOf(yes);
  let source: string;
  /** Each close retries for 2 s: all of them run in parallel. */
  let errors: Record<'failing' | 'throwing' | 'hanging', unknown>;
  beforeAll(async () => {
    const failing = openScope('orders');
    source = nextLine();
    failing.verify('the port is closed', no);
    failing.verify('the file is gone', next);
    const throwing = openScope();
    throwing.verify('it', fail);
    const hanging = openScope('orders', { cleanupTimeoutMs: 30 });
    hanging.verify('it', () => Promise.withResolvers<never>().promise);
    const closes = [failing, throwing, hanging].map((scope) => rejectionOf(scope.close()));
    const [first, second, third] = await Promise.all(closes);
    errors = { failing: first, throwing: second, hanging: third };
  });

  it('fails the close with its name and line', () => {
    expect(errors.failing).toMatchObject({ code: 'CLEANUP_FAILED', errors: [{ code: 'CLEANUP_FAILED' }] });
    expect(String(errors.failing)).toContain(`verify the port is closed (${source}): `);
    expect(String(errors.failing)).toMatch(/still false \d+\.\d s after cleanup finished/);
  });

  it('does not stop the next check', () => {
    expect(next).toHaveBeenCalledTimes(1);
  });

  it('fails the close with the last error that it threw', () => {
    expect(errors.throwing).toMatchObject({ errors: [{ message: 'still there' }] });
  });

  it('fails the close at its deadline when it never settles', () => {
    expect(errors.hanging).toMatchObject({ errors: [{ code: 'DEADLINE_EXCEEDED' }] });
  });
});

function isListening(server: Server): boolean {
  return server.listening;
}
