import { describe, expect, it } from '@jest/globals';
import {
  defaultMaxRemovals,
  parseMaxRemovals,
  checkRemovalLimit,
} from '../../lib/reaper/reaping/removal-limit';

describe('the limit of removals', () => {
  it.each<[number, number, boolean]>([
    [0, 1, false],
    [1, 1, false],
    [2, 1, true],
    [defaultMaxRemovals, defaultMaxRemovals, false],
    [defaultMaxRemovals + 1, defaultMaxRemovals, true],
    [1_000_000, Number.POSITIVE_INFINITY, false],
  ])('for %d resources and a maximum of %d: refuses is %s', (count, max, isRefused) => {
    expect(checkRemovalLimit(count, max) !== undefined).toBe(isRefused);
  });

  it('refuses a filter that once removed 58 volumes and 977 images of others', () => {
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
  ])('parses %j as %s', (text, max) => {
    expect(parseMaxRemovals(text)).toBe(max);
  });
});
