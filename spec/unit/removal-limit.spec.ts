import { describe, expect, it } from '@jest/globals';
import {
  defaultMaxRemovals,
  parseMaxRemovals,
  checkRemovalLimit,
} from '../../lib/reaper/reaping/removal-limit';

describe('the cap on removals', () => {
  it.each<[number, number, boolean]>([
    [0, 1, false],
    [1, 1, false],
    [2, 1, true],
    [defaultMaxRemovals, defaultMaxRemovals, false],
    [defaultMaxRemovals + 1, defaultMaxRemovals, true],
    [1_000_000, Number.POSITIVE_INFINITY, false],
  ])('of %d things with a cap of %d refuses: %s', (count, most, isRefused) => {
    expect(checkRemovalLimit(count, most) !== undefined).toBe(isRefused);
  });

  it('would have spared what a filter once took from others: 58 volumes and 977 images', () => {
    expect(checkRemovalLimit(58 + 977, defaultMaxRemovals)).toMatch(/covers 1035 resources/);
  });

  it.each<[string, number | undefined]>([
    ['none', Number.POSITIVE_INFINITY],
    ['1', 1],
    ['5000', 5_000],
    ['0', undefined],
    ['-1', undefined],
    ['1.5', undefined],
    ['1e3', undefined],
    ['', undefined],
    ['NONE', undefined],
    ['9007199254740993', undefined],
  ])('reads %j as %s', (text, most) => {
    expect(parseMaxRemovals(text)).toBe(most);
  });
});
