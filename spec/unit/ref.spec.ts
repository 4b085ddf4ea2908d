import { describe, expect, it } from '@jest/globals';
import { isCastoffError } from '../../lib/index';
import { isPrefixMatch } from '../../lib/resources/kind';
import { idOfRef } from '../../lib/resources/ref';
import { cleanupByKind } from '../support/cleanup-by-kind';

const id = '3f2a91c0'.repeat(8);
const kinds = ['container', 'network', 'volume', 'image'] as const;

describe('a ref', () => {
  it.each<[what: string, ref: unknown, expected: string]>([
    ['an id', id, id],
    ['a name', 'app_db-1.2', 'app_db-1.2'],
    ['a name with the leading slash of the engine', '/app', 'app'],
    ['an image with registry, repository and tag', 'localhost:5000/a/b:1.2', 'localhost:5000/a/b:1.2'],
    ['an image by digest', `a/b@sha256:${id}`, `a/b@sha256:${id}`],
    ['an object with an id', { id }, id],
    ['an object with getId()', { getId: () => id }, id],
    ['an object with getId() and another id', { id: 'other', getId: () => id }, id],
  ])('that is %s resolves to its id', (_what, ref, expected) => {
    expect(idOfRef('clean up', ref)).toBe(expected);
  });

  it('calls getId() on its object', () => {
    class Started {
      readonly #id = id;
      getId(): string {
        return this.#id;
      }
    }
    expect(idOfRef('clean up', new Started())).toBe(id);
  });

  it.each([undefined, null])('that is %s resolves to nothing', (ref) => {
    expect(idOfRef('clean up', ref)).toBeUndefined();
  });
});

const bad: readonly [what: string, ref: unknown, named: RegExp][] = [
  ['an empty string', '', /got an empty string/],
  ['a blank string', '  ', /got "  "/],
  ['an id with the newline of a command’s output', `${id}\n`, /got "3f2a.*\\n"/],
  ['a dot', '.', /got "\."/],
  ['two dots', '..', /got "\.\."/],
  ['a slash', '/', /got "\/"/],
  ['slashes', '//', /got "\/\/"/],
  ['a path to a parent', '../networks/app', /got "\.\.\/networks\/app"/],
  ['a path to a sibling', 'app/../other', /got "app\/\.\.\/other"/],
  ['a path with a dot', 'app/./json', /got "app\/\.\/json"/],
  ['a path with an empty part', 'app//json', /got "app\/\/json"/],
  ['a path with a trailing slash', 'app/', /got "app\/"/],
  ['an object without an id', { name: 'app', ip: '::1' }, /got an object without an id \(it has name, ip\)/],
  ['an empty object', {}, /got an object without an id;/],
  ['an array', [id], /got an object without an id/],
  ['an object with an empty id', { id: '' }, /got an object whose id is an empty string/],
  ['an object whose id is a number', { id: 7 }, /got an object whose id is number 7/],
  ['an object whose id is an object', { id: { id } }, /got an object whose id is an object/],
  [
    'an object whose getId() returns undefined',
    { getId: () => undefined },
    /got an object whose id is undefined/,
  ],
  ['a promise', Promise.resolve({ id }), /got a promise.*await/],
  ['a number', 42, /got number 42/],
  ['NaN', Number.NaN, /got number NaN/],
  ['a boolean', true, /got boolean true/],
  ['a symbol', Symbol('app'), /got symbol Symbol\(app\)/],
  ['a method without its object', cleanupByKind.container, /got function cleanupContainer;/],
];

describe.each(kinds)('cleanup of a %s', (kind) => {
  it.each(bad)('refuses %s, and names what it got', async (_what, ref, named) => {
    const error: unknown = await cleanupByKind[kind](ref as string).catch((reason: unknown) => reason);
    expect(isCastoffError(error, 'CONFIG_INVALID')).toBe(true);
    expect(error).toMatchObject({ message: expect.stringMatching(named) });
    expect(error).toMatchObject({
      message: expect.stringMatching(new RegExp(`^clean up an? ${kind}: got [^\\n]*$`)),
    });
  });

  it.each([undefined, null])('skips %s', async (ref) => {
    expect(await cleanupByKind[kind](ref)).toEqual({
      kind,
      id: '',
      outcome: 'skipped',
      attempts: 0,
      durationMs: 0,
    });
  });
});

describe('a ref of hexadecimal digits with which an id starts', () => {
  it.each([
    [1, [], true],
    [4, [], true],
    [11, [], true],
    [4, [id.slice(0, 4)], false],
    [12, [], false],
    [64, [], false],
  ])('%i of them, for a resource with the names %j: is a mere prefix: %s', (digits, names, isPrefix) => {
    expect(isPrefixMatch(id.slice(0, digits), id, names)).toBe(isPrefix);
  });
});
