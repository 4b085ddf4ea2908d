import { describe, expect, it } from '@jest/globals';
import { hasFixedName } from '../../lib/runner/fixed-name';

const id = '3f2a91c0beef'.padEnd(64, '0');

describe('the name of something other than a container', () => {
  it.each([
    ['a network', { kind: 'network', id, name: 'app' }],
    ['a network of one run', { kind: 'network', id, name: 'app-3f2a91c0beef' }],
    ['a volume', { kind: 'volume', id: 'data' }],
    ['an image', { kind: 'image', id: `sha256:${id}`, name: 'app:latest' }],
    ['a Compose project', { kind: 'compose-project', id: 'app', name: 'app' }],
  ] as const)('is fixed where somebody has thought of it: %s', (_, target) => {
    expect(hasFixedName(target)).toBe(true);
  });

  it.each([
    ['a network of testcontainers', { kind: 'network', id, name: '3f2a91c0beef' }],
    ['a network by its UUID', { kind: 'network', id, name: '0b6f8a3e-2f7d-4e7c-9d55-3f2a91c0beef' }],
    ['a volume without a name', { kind: 'volume', id }],
    ['an image without a name', { kind: 'image', id: `sha256:${id}` }],
    ['an image that castoff builds', { kind: 'image', id: 'localhost/castoff:3f2a91c0beef3f2a' }],
    ['a Compose project of testcontainers', { kind: 'compose-project', id: 'testcontainers-3f2a91c0beef' }],
    ['a container, of which others know', { kind: 'container', id, name: 'web' }],
  ] as const)('is not where it was drawn: %s', (_, target) => {
    expect(hasFixedName(target)).toBe(false);
  });
});
