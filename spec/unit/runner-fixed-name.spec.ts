import { describe, expect, it } from '@jest/globals';
import { hasFixedName } from '../../lib/runner/context-scope';

const id = '3f2a91c0beef'.padEnd(64, '0');

describe('hasFixedName', () => {
  it.each([
    ['a network', { kind: 'network', id, name: 'app' }],
    ['a network with a run id in its name', { kind: 'network', id, name: 'app-3f2a91c0beef' }],
    ['a volume', { kind: 'volume', id: 'data' }],
    ['an image', { kind: 'image', id: `sha256:${id}`, name: 'app:latest' }],
    ['a Compose project', { kind: 'compose-project', id: 'app', name: 'app' }],
  ] as const)('is true for a chosen name: %s', (_, target) => {
    expect(hasFixedName(target)).toBe(true);
  });

  it.each([
    ['a network of testcontainers', { kind: 'network', id, name: '3f2a91c0beef' }],
    ['a network by its UUID', { kind: 'network', id, name: '0b6f8a3e-2f7d-4e7c-9d55-3f2a91c0beef' }],
    ['a volume without a name', { kind: 'volume', id }],
    ['an image without a name', { kind: 'image', id: `sha256:${id}` }],
    ['an image that castoff builds', { kind: 'image', id: 'localhost/castoff:3f2a91c0beef3f2a' }],
    ['a Compose project of testcontainers', { kind: 'compose-project', id: 'testcontainers-3f2a91c0beef' }],
    ['a container, which is checked elsewhere', { kind: 'container', id, name: 'web' }],
  ] as const)('is false for a generated name: %s', (_, target) => {
    expect(hasFixedName(target)).toBe(false);
  });
});
