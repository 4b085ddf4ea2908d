import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { expectCollected, growth, track } from '../../lib';
import { rejectionOf } from '../support/rejection';
import { nextLine } from '../support/this-line';
import { withTypeScript } from '../support/with-typescript';

class Client {
  readonly buffer = 'x'.repeat(100);
}

/** The rejections of the calls in the fixture by name; null for one that has resolved. */
type Results = Readonly<Record<string, { readonly code: string; readonly message: string } | null>>;

const program = 'spec/fixtures/memory/held.cjs';
let results: Results;
beforeAll(async () => {
  const file = join(__dirname, '../..', program);
  const { stdout } = await promisify(execFile)(process.execPath, [...withTypeScript, file]);
  results = JSON.parse(stdout);
}, 120_000);

const line = String.raw`spec/fixtures/memory/held\.cjs:\d+`;

describe('expectCollected names what holds', () => {
  it.each([
    [
      'an object in a Map of the module',
      'map',
      '^expectCollected in a Map: still in use after .*s; held by .*→ variable cache → Map → Client$',
    ],
    ['an object in an array of the module', 'array', String.raw`→ variable list → Array → \[0\] → Client$`],
    [
      'an object in a timer',
      'timer',
      `held by a timer → a function \\(${line}\\) → variable client → Client$`,
    ],
    [
      'an object in a listener',
      'listener',
      `held by a listener of 'SIGUSR2' on process → a function \\(${line}\\) → variable client → Client$`,
    ],
    [
      'an object in a closure that a function holds which waits',
      'closure',
      String.raw`which has not returned → variable callbacks → Array → \[0\] → function onClose ` +
        `\\(${line}\\) → variable client → Client$`,
    ],
    ['an object in a global variable', 'global', String.raw`held by globalThis\.lastClient → Client$`],
  ])('%s', (_what, name, message) => {
    expect(results[name]).toMatchObject({
      code: 'LEAKS_FOUND',
      message: expect.stringMatching(new RegExp(message)),
    });
  });

  it('a function of a test, at its line in the source', async () => {
    const client = new Client();
    track('in a test', client);
    const source = nextLine();
    process.on('SIGUSR2', () => client.buffer);
    try {
      const held = `on process → a function (${source}) → variable client → Client`;
      expect(await rejectionOf(expectCollected('in a test', { timeoutMs: 0 }))).toMatchObject({
        message: expect.stringContaining(held),
      });
    } finally {
      process.removeAllListeners('SIGUSR2');
    }
  });
});

describe('expectCollected resolves for', () => {
  it.each([
    ['an object that nothing holds', 'free'],
    ['an object that is released later', 'later'],
    ['an object in weak collections, and one that was removed from strong ones', 'weak'],
    ['an object in local variables of the functions that wait', 'local'],
    ['a WeakRef, and frees the name of an object', 'reference'],
  ])('%s', (_what, name) => {
    expect(results[name]).toBeNull();
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
  it('names the class of objects that each call leaves, and what holds them', () => {
    expect(results['grows']).toMatchObject({
      code: 'LEAKS_FOUND',
      message: expect.stringMatching(
        /^growth open: each call leaves\n {2}1 × Client, held by .*→ variable list → Array → \[\d+\] → Client$/m,
      ),
    });
  });

  it('resolves for calls that leave nothing, fill a cache, or replace what they left', () => {
    expect(results['replaces']).toBeNull();
  });
});
