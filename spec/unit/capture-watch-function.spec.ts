import { promisify } from 'node:util';
import { expect, it } from '@jest/globals';
import { watchFunction } from '../../lib/capture/watch-function';

it('intercepts every call, and keeps the name, length and promisified form of the function', async () => {
  const original = Object.assign((path: string, _options?: object) => `read ${path}`, { extra: 1 });
  const inPromises = async (path: string): Promise<string> => `promised ${path}`;
  Object.defineProperty(original, promisify.custom, { value: inPromises });
  const module: { read: (path: string, options?: object) => string } = { read: original };
  const calls: unknown[] = [];
  const stop = watchFunction(module, 'read', (call, args) => {
    calls.push(args);
    return call(['other']);
  });
  const { read } = module;
  expect(read('a')).toBe('read other');
  expect(calls).toEqual([['a']]);
  expect([read.name, read.length, Reflect.get(read, 'extra')]).toEqual([original.name, 2, 1]);
  expect(await promisify(read)('b')).toBe('promised b');
  stop();
  expect(module.read).toBe(original);
  expect(read('c')).toBe('read c');
});
