import { describe, expect, it, jest } from '@jest/globals';
import { openScope, type CloseError, type StartError } from '../../lib/index';
import { rejectionOf } from '../support/rejection';
import { nextLine } from '../support/this-line';

/** A startable that is not a resource on an engine. */
class Server {
  readonly stop = jest.fn();
  readonly #starting = Promise.withResolvers<{ stop: () => void }>();

  start(): Promise<{ stop: () => void }> {
    return this.#starting.promise;
  }

  arrive(): this {
    this.#starting.resolve({ stop: this.stop });
    return this;
  }

  fail(error: unknown): this {
    this.#starting.reject(error);
    return this;
  }
}

describe('the start of an object that is not on an engine', () => {
  it('resolves to the result of its start()', async () => {
    await using scope = openScope();
    const product = { stop: () => undefined };
    expect(await scope.start({ start: () => Promise.resolve(product) })).toBe(product);
  });

  it('stops the started object when the scope closes, in reverse order among other items', async () => {
    const scope = openScope();
    const ended: string[] = [];
    scope.defer('a', () => void ended.push('a'));
    await scope.start({ start: () => Promise.resolve({ stop: () => ended.push('server') }) });
    scope.defer('b', () => void ended.push('b'));
    expect(ended).toEqual([]);
    await scope.close();
    expect(ended).toEqual(['b', 'server', 'a']);
  });

  it('has an outcome in the report with the name of its class and the line of the start', async () => {
    const scope = openScope();
    const source = nextLine();
    await scope.start(new Server().arrive());
    expect(await scope.close()).toMatchObject({ ends: [{ what: 'Server', source }] });
  });

  it('does not cause a warning about too many listeners when there are many', async () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const scope = openScope();
    const servers = Array.from({ length: 30 }, () => new Server());
    const started = servers.map((server) => scope.start(server));
    for (const server of servers.toReversed()) server.arrive();
    await Promise.all(started);
    await scope.close();
    for (const { stop } of servers) expect(stop).toHaveBeenCalledTimes(1);
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
  });

  it("fails the close when stop() rejects, and still runs the scope's other finalizers", async () => {
    const scope = openScope();
    const last = jest.fn();
    scope.defer('last', last);
    const failure = new Error('port is held');
    await scope.start({ start: () => Promise.resolve({ stop: () => Promise.reject(failure) }) });
    expect(await rejectionOf(scope.close())).toMatchObject({ code: 'CLEANUP_FAILED', errors: [failure] });
    expect(last).toHaveBeenCalledTimes(1);
  });
});

describe('a failed start of an object that is not on an engine', () => {
  const failure = new Error('port 80 is taken\nby nginx');
  it.each([
    ['rejects', async () => Promise.reject(failure)],
    [
      'throws',
      () => {
        throw failure;
      },
    ],
  ])(
    'rejects with START_FAILED and its own error as the cause when it %s, and does not fail the close',
    async (_how, start) => {
      const scope = openScope();
      const source = nextLine();
      const error = (await rejectionOf(scope.start({ start }))) as StartError;
      expect(error).toMatchObject({ code: 'START_FAILED', cause: failure, postMortems: [] });
      expect(error.message).toBe(`start Object (${source}): port 80 is taken`);
      expect(error.errors).toBeUndefined();
      expect((await scope.close()).ends.filter((end) => end.error !== undefined)).toEqual([]);
    },
  );

  it.each([
    ['undefined', undefined],
    ['null', null],
    ['a number', 5432],
    ['a Object', {}],
  ])('rejects with START_FAILED when start() returns %s, which cannot be stopped', async (got, product) => {
    const scope = openScope();
    const start = () => Promise.resolve(product);
    const error = await rejectionOf(scope.start({ start }));
    expect(error).toMatchObject({
      code: 'START_FAILED',
      cause: {
        code: 'CONFIG_INVALID',
        message: expect.stringContaining(`what start() returned: got ${got}`),
      },
    });
    await scope.close();
  });
});

describe('an aborted start of an object that is not on an engine', () => {
  it('does not call start() when the signal is already aborted', async () => {
    const reason = new Error('no longer wanted');
    const scope = openScope('orders', { signal: AbortSignal.abort(reason) });
    const start = jest.fn(() => Promise.resolve({ stop: () => undefined }));
    expect(await rejectionOf(scope.start({ start }))).toMatchObject({ code: 'START_FAILED', cause: reason });
    expect(start).not.toHaveBeenCalled();
    await scope.close();
  });

  it('rejects at once with the abort reason; the scope stops a late result before its close resolves', async () => {
    const user = new AbortController();
    const scope = openScope('orders', { signal: user.signal });
    const server = new Server();
    const starting = rejectionOf(scope.start(server));
    const reason = new Error('no longer wanted');
    user.abort(reason);
    expect(await starting).toMatchObject({ code: 'START_FAILED', cause: reason });
    const closing = scope.close();
    server.arrive();
    await closing;
    expect(server.stop).toHaveBeenCalledTimes(1);
  });

  it('rejects at once when the scope closes, which stops a late result before its close resolves', async () => {
    const scope = openScope('orders');
    const server = new Server();
    const starting = rejectionOf(scope.start(server));
    const closing = scope.close();
    expect(await starting).toMatchObject({ code: 'START_FAILED', cause: { code: 'SCOPE_CLOSED' } });
    expect(server.stop).not.toHaveBeenCalled();
    server.arrive();
    expect(await closing).toMatchObject({ ends: [{ what: 'Server' }] });
    expect(server.stop).toHaveBeenCalledTimes(1);
  });

  it('does not fail the close when start() rejects late', async () => {
    const scope = openScope('orders');
    const server = new Server();
    const starting = rejectionOf(scope.start(server));
    const closing = scope.close();
    server.fail(new Error('port 80 is taken'));
    await starting;
    expect((await closing).ends.map((end) => end.error)).toEqual([undefined]);
  });

  it('fails the close by name and line when start() is too slow, and still stops a late result', async () => {
    const scope = openScope('orders', { cleanupTimeoutMs: 30 });
    const server = new Server();
    const source = nextLine();
    const starting = rejectionOf(scope.start(server));
    const error = (await rejectionOf(scope.close())) as CloseError;
    await starting;
    expect(error.message).toContain(`Server (${source}): Server: timed out after 30 ms`);
    server.arrive();
    await new Promise(setImmediate);
    expect(server.stop).toHaveBeenCalledTimes(1);
  });
});
