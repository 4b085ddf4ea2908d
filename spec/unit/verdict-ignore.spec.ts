import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { checkIgnore, matchesIgnore } from '../../lib/verdict/ignore';
import { shownId, record } from '../support/resource-records';

const web = record({
  id: shownId,
  name: 'web-1',
  image: 'redis:7',
  test: 'orders are slow',
  source: 'spec/a/b.spec.ts:12',
});

describe('an ignore pattern', () => {
  it.each([
    'web-1',
    'web-*',
    '*1',
    '*',
    'name:web-1',
    'container:web-*',
    'container:*e*-*',
    'image:redis*',
    'image:redis:7',
    'test:*slow*',
    'file:spec/a/*',
    'file:spec/a/b.spec.ts',
    shownId,
  ])('%s matches', (pattern) => {
    expect(matchesIgnore(pattern, web)).toBe(true);
  });

  it.each([
    'web',
    'eb-1',
    'WEB-1',
    'web-?',
    'web-1*1',
    'network:web-*',
    'volume:*',
    'image:redis',
    'image:postgres*',
    'test:slow',
    'file:b.spec.ts',
    'file:*:12',
    'w.b-1',
  ])('%s does not', (pattern) => {
    expect(matchesIgnore(pattern, web)).toBe(false);
  });

  it('does not match a property that is not known', () => {
    const unknown = record({ id: undefined });
    for (const pattern of ['*', 'test:*', 'file:*', 'image:*'])
      expect(matchesIgnore(pattern, unknown)).toBe(false);
  });

  it('matches an image by its name, and the containers that run it', () => {
    expect(matchesIgnore('image:shop*', record({ kind: 'image', name: 'shop:1' }))).toBe(true);
    expect(matchesIgnore('container:shop*', record({ kind: 'image', name: 'shop:1' }))).toBe(false);
  });

  it.each([
    ['', 'an empty pattern matches nothing'],
    ['container:', 'an empty pattern matches nothing'],
    ['redis:7', 'unknown field redis'],
    ['tests:a', 'unknown field tests'],
    [7, 'not a string'],
  ])('%j is refused, with the valid fields', (pattern, reason) => {
    const check = () => checkIgnore(['web', pattern as string]);
    expect(check).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    expect(check).toThrow(`ignore: got ${JSON.stringify(pattern)}: ${reason}; give a name, or container:…,`);
  });

  it('matches the same names as a regular expression', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*'), minLength: 1, maxLength: 8 });
    const names = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 10 });
    fc.assert(
      fc.property(letters, names, (glob, name) => {
        const expected = new RegExp(`^${glob.replaceAll('*', '.*')}$`).test(name);
        expect(matchesIgnore(`name:${glob}`, record({ id: undefined, name }))).toBe(expected);
      }),
    );
  });
});
