import { describe, expect, it } from '@jest/globals';
import { openScope } from '../../lib/index';
import { rejectionOf } from '../support/rejection';
import { nextLine } from '../support/this-line';

/** Creates an object with the given methods, and a list of the methods that were called. */
function stoppable<Name extends string | symbol>(...names: readonly Name[]) {
  const called: string[] = [];
  const methods = names.map((name) => [name, () => Promise.resolve(called.push(String(name)))] as const);
  return { disposable: Object.fromEntries(methods) as Record<Name, () => unknown>, called };
}

class Server {
  isListening = true;
  close(): void {
    this.isListening = false;
  }
}

describe('an object that a scope uses', () => {
  const names = [
    Symbol.asyncDispose,
    Symbol.dispose,
    'stop',
    'quit',
    'end',
    'close',
    '$disconnect',
    'disconnect',
    'destroy',
  ] as const;
  it.each(names.map((name, index) => [name, names.slice(index)] as const))(
    'is ended by %s when it has none of the methods before that',
    async (name, available) => {
      const { disposable, called } = stoppable(...available.toReversed());
      const scope = openScope();
      await scope.use(disposable as AsyncDisposable);
      expect(called).toEqual([]);
      await scope.close();
      expect(called).toEqual([String(name)]);
    },
  );

  it('is returned unchanged', async () => {
    await using scope = openScope();
    const server = new Server();
    expect(await scope.use(server)).toBe(server);
    expect(server.isListening).toBe(true);
  });

  it('is ended with itself as `this`', async () => {
    const scope = openScope();
    const server = await scope.use(new Server());
    await scope.close();
    expect(server.isListening).toBe(false);
  });

  it('has an outcome in the report with the name of its class and the line that added it', async () => {
    const scope = openScope();
    const source = nextLine();
    await scope.use(new Server());
    expect(await scope.close()).toMatchObject({ ends: [{ what: 'Server', source }] });
  });

  it('is ended in reverse order among deferred functions', async () => {
    const scope = openScope();
    const ended: string[] = [];
    scope.defer('a', () => void ended.push('a'));
    await scope.use({ stop: () => Promise.resolve().then(() => ended.push('used')) });
    scope.defer('b', () => void ended.push('b'));
    await scope.close();
    expect(ended).toEqual(['b', 'used', 'a']);
  });

  it('can be a function with such a method', async () => {
    const { disposable, called } = stoppable('close');
    const scope = openScope();
    await scope.use(Object.assign(() => undefined, disposable));
    await scope.close();
    expect(called).toEqual(['close']);
  });

  it.each([
    ['undefined', undefined],
    ['null', null],
    ['a number', 7],
    ['a string', 'server'],
    ['a Object', {}],
    ['a Object', { stop: true }],
    ['a Map', new Map()],
  ])('is rejected without a method that ends it: %s', async (got, value) => {
    await using scope = openScope();
    const error = await rejectionOf(scope.use(value as never));
    expect(error).toMatchObject({
      code: 'CONFIG_INVALID',
      message: `scope.use: got ${got}; give something with [Symbol.asyncDispose], [Symbol.dispose], stop(), quit(), end(), close(), $disconnect(), disconnect() or destroy()`,
    });
  });
});
