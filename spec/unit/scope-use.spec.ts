import { describe, expect, it } from '@jest/globals';
import { openScope } from '../../lib/index';
import { rejectionOf } from '../support/rejection';
import { nextLine } from '../support/this-line';

/** Something that can be ended in all of the given ways, and which of them were used on it. */
function stoppable<Way extends string | symbol>(...ways: readonly Way[]) {
  const used: string[] = [];
  const methods = ways.map((way) => [way, () => Promise.resolve(used.push(String(way)))] as const);
  return { thing: Object.fromEntries(methods) as Record<Way, () => unknown>, used };
}

class Server {
  isListening = true;
  close(): void {
    this.isListening = false;
  }
}

describe('a thing that a scope uses', () => {
  const ways = [
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
  it.each(ways.map((way, index) => [way, ways.slice(index)] as const))(
    'is ended by %s where that is the first way that it has',
    async (way, has) => {
      const { thing, used } = stoppable(...has.toReversed());
      const scope = openScope();
      await scope.use(thing as AsyncDisposable);
      expect(used).toEqual([]);
      await scope.close();
      expect(used).toEqual([String(way)]);
    },
  );

  it('is handed back as it is', async () => {
    await using scope = openScope();
    const server = new Server();
    expect(await scope.use(server)).toBe(server);
    expect(server.isListening).toBe(true);
  });

  it('keeps its `this` where it is ended', async () => {
    const scope = openScope();
    const server = await scope.use(new Server());
    await scope.close();
    expect(server.isListening).toBe(false);
  });

  it('is waited for, and stands in the report under the name of its class with the line that gave it', async () => {
    const scope = openScope();
    const source = nextLine();
    await scope.use(new Server());
    expect(await scope.close()).toMatchObject({ ends: [{ what: 'Server', source }] });
  });

  it('is ended in its place among what was deferred', async () => {
    const scope = openScope();
    const ended: string[] = [];
    scope.defer('a', () => void ended.push('a'));
    await scope.use({ stop: () => Promise.resolve().then(() => ended.push('thing')) });
    scope.defer('b', () => void ended.push('b'));
    await scope.close();
    expect(ended).toEqual(['b', 'thing', 'a']);
  });

  it('may be a function that can be ended', async () => {
    const { thing, used } = stoppable('close');
    const scope = openScope();
    await scope.use(Object.assign(() => undefined, thing));
    await scope.close();
    expect(used).toEqual(['close']);
  });

  it.each([
    ['undefined', undefined],
    ['null', null],
    ['a number', 7],
    ['a string', 'server'],
    ['a Object', {}],
    ['a Object', { stop: true }],
    ['a Map', new Map()],
  ])('is refused when it cannot be ended: %s', async (got, thing) => {
    await using scope = openScope();
    const error = await rejectionOf(scope.use(thing as never));
    expect(error).toMatchObject({
      code: 'CONFIG_INVALID',
      message: `scope.use: got ${got}; give something with [Symbol.asyncDispose], [Symbol.dispose], stop(), quit(), end(), close(), $disconnect(), disconnect() or destroy()`,
    });
  });
});
