import { describe, expect, it } from '@jest/globals';
import type { RegistryEntry } from '../../lib/registry/entry';
import { namePeer } from '../../lib/runner/name-peer';

const id = '3f2a91c0de11'.repeat(5);
const entry = { kind: 'container', key: 'k', id, owner: { scope: 'a.test.js', source: 'a.test.js:3' } };
const registryWith = (fields: Partial<RegistryEntry>) => ({
  list: () => [{ ...entry, ...fields } as RegistryEntry],
});

describe('the name of a peer', () => {
  it.each([
    ['its image', { image: 'redis:8', name: 'cache' }, 'container redis:8 (a.test.js:3)'],
    ['its name', { name: 'cache' }, 'container cache (a.test.js:3)'],
    ['its id', {}, 'container 3f2a91c0de11 (a.test.js:3)'],
  ])('has %s and the line that created the container of a stream', (_what, fields, expected) => {
    expect(namePeer({ container: id }, registryWith(fields))).toBe(expected);
    expect(namePeer({ container: id.slice(0, 12) }, registryWith(fields))).toBe(expected);
  });

  it('is unknown for other containers, and for other connections', () => {
    expect(namePeer({ container: 'other' }, registryWith({}))).toBeUndefined();
    expect(namePeer({ host: '127.0.0.1', port: 6379 }, registryWith({}))).toBeUndefined();
  });
});
