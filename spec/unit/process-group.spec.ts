import { describe, expect, it } from '@jest/globals';
import { isLiveMember } from '../../lib/processes/end-group';

describe('isLiveMember', () => {
  it.each([
    ['runs in the group', '7 (sh) S 1 42 42 0 -1', true],
    ['leads it', '42 (sh) R 1 42 42 0 -1', true],
    ['has a name that resembles other fields', '7 (a) Z 1 7 (b) S 1 42 42 0', true],
    ['is in another group', '42 (sh) S 1 43 43 0 -1', false],
    ['is a zombie', '7 (sh) Z 1 42 42 0 -1', false],
    ['is dead', '7 (sh) X 1 42 42 0 -1', false],
    ['has an empty stat', '', false],
  ])('recognizes a process that %s', (_what, stat, expected) => {
    expect(isLiveMember(stat, 42)).toBe(expected);
  });
});
