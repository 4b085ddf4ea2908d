import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { isCastoffError } from '../../lib/index';
import { requireJson } from '../../lib/run/shared-value';

class Client {
  port = 1;
}
const around: Record<string, unknown> = {};
around['self'] = { again: around };

function refusalOf(value: unknown): string {
  try {
    requireJson('shared db', value);
  } catch (error) {
    expect(isCastoffError(error, 'CONFIG_INVALID')).toBe(true);
    return (error as Error).message;
  }
  return 'none';
}

describe('a shared value', () => {
  it.each([
    ['an address', { host: 'localhost', port: 5432, tags: ['a', 'b'], isUp: true, none: null }],
    ['a text', 'postgres://localhost'],
    ['null', null],
    ['an object without a prototype', Object.assign(Object.create(null) as object, { port: 1 })],
    ['an object of a sandbox', runInNewContext('({ port: 1, list: [{ a: 1 }] })') as unknown],
    ['the same object twice', (({ inner }) => ({ one: inner, two: inner }))({ inner: { port: 1 } })],
  ])('a shared value may be %s', (_, value) => {
    expect(JSON.parse(requireJson('shared db', value))).toEqual(JSON.parse(JSON.stringify(value)));
  });

  it.each([
    ['nothing', undefined, 'value: got undefined'],
    ['a property without a value', { port: undefined }, 'value.port: got undefined'],
    ['a function', { list: [1, { stop: () => undefined }] }, 'value.list[1].stop: got a function'],
    ['NaN', { 'a b': Number.NaN }, 'value["a b"]: got NaN'],
    ['infinity', [Number.POSITIVE_INFINITY], 'value[0]: got Infinity'],
    ['a big number', { id: 1n }, 'value.id: got a bigint'],
    ['a date', { at: new Date() }, 'value.at: got an instance of Date'],
    ['a map', { all: new Map() }, 'value.all: got an instance of Map'],
    [
      'a date of a sandbox',
      { at: runInNewContext('new Date()') as unknown },
      'value.at: got an instance of Date',
    ],
    ['an instance of a class', { client: new Client() }, 'value.client: got an instance of Client'],
    ['a hole', Array.from({ length: 2 }), 'value[0]: got undefined'],
    ['a symbol for a key', { [Symbol('port')]: 1 }, 'value: got a property under Symbol(port)'],
    ['a cycle', around, 'value.self.again: got a cycle'],
  ])('a shared value may not be %s', (_, value, message) => {
    expect(refusalOf(value)).toContain(`shared db: ${message}; return a JSON value`);
  });

  it('a shared value may have up to 1 MiB', () => {
    expect(requireJson('shared db', 'x'.repeat(1_024 * 1_024 - 2))).toHaveLength(1_024 * 1_024);
    expect(refusalOf('x'.repeat(1_024 * 1_024))).toContain('the limit is 1048576');
  });
});
