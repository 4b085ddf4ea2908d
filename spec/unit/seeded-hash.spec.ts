import { describe, expect, it } from '@jest/globals';
import { hashOf } from '../../lib/reaper/leases/seeded-hash';

const parts = 64;
/** Number of texts in the largest part. */
function mostInOnePart(texts: readonly string[]): number {
  const counts = new Map<number, number>();
  for (const text of texts) counts.set(hashOf(text) % parts, (counts.get(hashOf(text) % parts) ?? 0) + 1);
  return Math.max(...counts.values());
}
const variants = (pieces: readonly [string, string]) =>
  Array.from({ length: 1_024 }, (_unused, index) =>
    Array.from({ length: 10 }, (_digit, bit) => pieces[(index >> bit) & 1]).join(''),
  );

describe('the hash of a text', () => {
  it('is the same for the same text', () => {
    expect(hashOf('castoff.session=1')).toBe(hashOf('castoff.session=1'));
  });

  // 16 per part on average; 64 in one part would be 12 standard deviations away.
  it.each([
    ['a polynomial of 31 sees no difference', ['Aa', 'BB']],
    ['the lowest six bits are equal', ['!', 'a']],
    ['only the first character differs by much', ['ab', 'ba']],
  ] as const)('spreads texts where %s', (_what, pieces) => {
    expect(mostInOnePart(variants(pieces))).toBeLessThan(64);
  });

  it('spreads labels that contain a counter', () => {
    const labels = Array.from({ length: 1_024 }, (_unused, index) => `castoff.session=${index}`);
    expect(mostInOnePart(labels)).toBeLessThan(64);
  });
});
