import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import { openScope } from '../../lib/index';
import { rejectionOf } from '../support/rejection';
import { nextLine } from '../support/this-line';

/** How often it is asked, and what it says then; the last answer for ever. */
const answers = (...given: readonly (() => unknown)[]) => {
  const left = [...given];
  return jest.fn(() => (left.length > 1 ? left.shift() : left[0])?.());
};
const no = (): boolean => false;
const yes = (): boolean => true;
const fail = (): never => {
  throw new Error('still there');
};

describe('what is to be verified after the cleanup', () => {
  it('is asked when everything in the scope has ended, in the order in which it was given', async () => {
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

  it('is asked also where something could not be ended, and both are told', async () => {
    const scope = openScope();
    const failure = new Error('busy');
    scope.defer('close the database', () => Promise.reject(failure));
    const check = answers(yes);
    scope.verify('the port is closed', check);
    expect(await rejectionOf(scope.close())).toMatchObject({ errors: [failure] });
    expect(check).toHaveBeenCalledTimes(1);
  });

  it.each([
    ['returns true', yes],
    ['returns nothing', () => undefined],
    ['resolves', () => Promise.resolve('anything')],
  ])('is so when it %s', async (_what, check) => {
    const scope = openScope();
    const asked = answers(check);
    scope.verify('it', asked);
    expect(await scope.close()).toMatchObject({ ends: [{ what: 'verify it' }] });
    expect(asked).toHaveBeenCalledTimes(1);
  });

  it.each([
    ['returned false', no],
    ['resolved to false', () => Promise.resolve(false)],
    ['threw', fail],
    ['rejected', () => Promise.reject(new Error('still there'))],
  ])('is asked again for a short while after it %s: it may be on its way', async (_what, first) => {
    const scope = openScope();
    const check = answers(first, first, yes);
    scope.verify('it', check);
    await scope.close();
    expect(check).toHaveBeenCalledTimes(3);
  });

  it('sees a port that closes a little later than its server says', async () => {
    await using scope = openScope();
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    scope.defer('close the server', () => void setTimeout(() => server.close(), 30));
    scope.verify('the port is closed', () => !isListening(server));
    await scope.close();
    expect(isListening(server)).toBe(false);
  });

  it('is refused in a scope that is closed', async () => {
    const scope = openScope('orders');
    await scope.close();
    expect(() => scope.verify('it', yes)).toThrow(expect.objectContaining({ code: 'SCOPE_CLOSED' }));
  });

  it('is a function', async () => {
    await using scope = openScope();
    expect(() => scope.verify('it', true as never)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining('got boolean') }),
    );
  });
});

describe('what is not as it has to be, also after a while,', () => {
  const next = answers(yes);
  let source: string;
  /** A scope's close takes its 2 s for it: all at once. */
  let errors: Record<'untrue' | 'throwing' | 'hanging', unknown>;
  beforeAll(async () => {
    const untrue = openScope('orders');
    source = nextLine();
    untrue.verify('the port is closed', no);
    untrue.verify('the file is gone', next);
    const throwing = openScope();
    throwing.verify('it', fail);
    const hanging = openScope('orders', { cleanupTimeoutMs: 30 });
    hanging.verify('it', () => Promise.withResolvers<never>().promise);
    const closes = [untrue, throwing, hanging].map((scope) => rejectionOf(scope.close()));
    const [first, second, third] = await Promise.all(closes);
    errors = { untrue: first, throwing: second, hanging: third };
  });

  it('fails the close with its words and its line', () => {
    expect(errors.untrue).toMatchObject({ code: 'CLEANUP_FAILED', errors: [{ code: 'CLEANUP_FAILED' }] });
    expect(String(errors.untrue)).toContain(`verify the port is closed (${source}): `);
    expect(String(errors.untrue)).toContain('still false 2.0 s after cleanup finished');
  });

  it('does not keep the next from being asked', () => {
    expect(next).toHaveBeenCalledTimes(1);
  });

  it('fails the close with what was thrown last', () => {
    expect(errors.throwing).toMatchObject({ errors: [{ message: 'still there' }] });
  });

  it('does not hold up the close for ever where there is no answer', () => {
    expect(errors.hanging).toMatchObject({ errors: [{ code: 'DEADLINE_EXCEEDED' }] });
  });
});

function isListening(server: Server): boolean {
  return server.listening;
}
