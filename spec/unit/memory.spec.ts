import { EventEmitter, once } from 'node:events';
import { afterEach, describe, expect, it } from '@jest/globals';
import { expectCollected, growth, track } from '../../lib';
import { rejectionOf } from '../support/rejection';

class Client {
  readonly buffer = 'x'.repeat(100);
}

const cache = new Map<string, unknown>();
const list: unknown[] = [];
let timer: NodeJS.Timeout | undefined;

afterEach(() => {
  cache.clear();
  list.length = 0;
  clearInterval(timer);
  process.removeAllListeners('SIGUSR2');
  Reflect.deleteProperty(globalThis, 'lastClient');
});

/** Tracks a new client, which `hold` may keep. */
function trackNew(name: string, hold: (client: Client) => unknown = () => undefined): void {
  const client = new Client();
  track(name, client);
  hold(client);
}

/** Resolves to the message of the failure for an object that is in use. */
async function pathTo(name: string): Promise<string> {
  const error = await rejectionOf(expectCollected(name, { timeoutMs: 0 }));
  expect(error).toMatchObject({ code: 'LEAKS_FOUND' });
  return (error as Error).message;
}

describe('expectCollected names what holds', () => {
  it('an object in a Map of the module', async () => {
    trackNew('in a Map', (client) => cache.set('a', client));
    expect(await pathTo('in a Map')).toMatch(
      /^expectCollected in a Map: still in use after .*s; held by .*→ variable cache → Map → Client$/,
    );
  });

  it('an object in an array of the module', async () => {
    trackNew('listed', (client) => list.push(client));
    expect(await pathTo('listed')).toMatch(/→ variable list → Array → \[0\] → Client$/);
  });

  it('an object in a timer', async () => {
    trackNew('timed', (client) => (timer = setInterval(() => client.buffer, 60_000)));
    expect(await pathTo('timed')).toMatch(
      /held by a timer → a function \(spec\/unit\/memory\.spec\.ts:\d+\) → variable client → Client$/,
    );
  });

  it('an object in a listener', async () => {
    trackNew('listening', (client) => process.on('SIGUSR2', () => client.buffer));
    expect(await pathTo('listening')).toMatch(
      /held by a listener of 'SIGUSR2' on process → a function \(spec\/unit\/memory\.spec\.ts:\d+\) → variable client → Client$/,
    );
  });

  it('an object in a closure that a function holds which waits', async () => {
    const callbacks: (() => unknown)[] = [];
    const keep = (client: Client): unknown =>
      callbacks.push(function onClose() {
        return client.buffer;
      });
    trackNew('in a closure', keep);
    expect(await pathTo('in a closure')).toMatch(
      /which has not returned → variable callbacks → Array → \[0\] → function onClose \(spec\/unit\/memory\.spec\.ts:\d+\) → variable client → Client$/,
    );
    callbacks.length = 0;
  });

  it('an object in a global variable', async () => {
    trackNew('global', (client) => Reflect.set(globalThis, 'lastClient', client));
    expect(await pathTo('global')).toMatch(/held by globalThis\.lastClient → Client$/);
  });
});

describe('expectCollected resolves for', () => {
  it('an object that nothing holds', async () => {
    trackNew('free');
    await expect(expectCollected('free')).resolves.toBeUndefined();
  });

  it('an object that is released later', async () => {
    trackNew('closing', (client) => setTimeout(() => client.buffer, 150));
    await expect(expectCollected('closing')).resolves.toBeUndefined();
  });

  it('an object in weak collections, and one that was removed from strong ones', async () => {
    const keys = new WeakMap<Client, Client>();
    const emitter = new EventEmitter();
    trackNew('weak', (client) => {
      keys.set(client, new Client());
      cache.set('a', client).delete('a');
      void once(emitter, 'close').then(() => client.buffer);
    });
    emitter.emit('close');
    await expectCollected('weak');
    expect(keys).toBeInstanceOf(WeakMap);
  });

  it('an object in local variables of the functions that wait', async () => {
    const client = new Client();
    track('local', client);
    const waitForIt = async (): Promise<void> => expectCollected('local');
    await waitForIt();
    expect(client.buffer).toHaveLength(100);
  });

  it('a WeakRef, and frees the name of an object', async () => {
    await expectCollected((() => new WeakRef(new Client()))());
    trackNew('name');
    await expectCollected('name');
    expect(() => trackNew('name')).not.toThrow();
  });
});

describe('bad input', () => {
  it.each([
    ['a name in use', () => [new Client()].map((client) => [track('twice', client), track('twice', client)])],
    ['an empty name', () => track('', new Client())],
    ['a primitive value', () => track('text', 'text' as unknown as object)],
    ['null', () => track('null', null as unknown as object)],
  ])('track rejects %s', (_, call) => {
    expect(call).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });

  it.each([
    ['an unknown name', () => expectCollected('unheard of')],
    ['an object', () => expectCollected(new Client() as unknown as string)],
    ['an unknown option', () => expectCollected('twice', { timeout: 1 } as object)],
    ['a time that is none', () => expectCollected('twice', { timeoutMs: -1 })],
    ['no function', () => growth('nothing', undefined as unknown as () => void)],
    ['one round', () => growth('once', () => undefined, { rounds: 1 })],
  ])('expectCollected and growth reject %s', async (_, call) => {
    expect(await rejectionOf(call())).toMatchObject({ code: 'CONFIG_INVALID' });
  });
});

describe('growth', () => {
  it('names the class of objects that each call leaves, and what holds them', async () => {
    const error = await rejectionOf(growth('open', async () => list.push(new Client())));
    expect(error).toMatchObject({ code: 'LEAKS_FOUND' });
    expect((error as Error).message).toMatch(
      /^growth open: each call leaves\n {2}1 × Client, held by .*→ variable list → Array → \[\d+\] → Client$/m,
    );
  });

  it('resolves for calls that leave nothing, fill a cache, or replace what they left', async () => {
    const clean = growth('clean', async () => {
      trackNew('last');
      cache.set('a', new Client());
      cache.set(`of ${cache.size % 7}`, new Client());
      await expectCollected('last');
    });
    await expect(clean).resolves.toBeUndefined();
  });
});
