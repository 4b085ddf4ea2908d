import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { checkDuration, formatDuration } from '../../lib/core/durations';
import { isCastoffError } from '../../lib/index';

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

describe('a duration', () => {
  it.each([
    [0, '0 ms'],
    [0.4, '0 ms'],
    [850, '850 ms'],
    [999, '999 ms'],
    [999.6, '1.0 s'],
    [second, '1.0 s'],
    [2_345, '2.3 s'],
    [59_900, '59.9 s'],
    [59_990, '1 min 0 s'],
    [minute, '1 min 0 s'],
    [4 * minute + 10 * second, '4 min 10 s'],
    [hour - 1, '1 h 0 min'],
    [3 * hour + 2 * minute, '3 h 2 min'],
    [24 * hour - 1, '1 d 0 h'],
    [25 * hour, '1 d 1 h'],
  ])('of %s ms is formatted as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it('is formatted with an error of at most 5 %', () => {
    const units: Readonly<Record<string, number>> = { ms: 1, s: second, min: minute, h: hour, d: 24 * hour };
    fc.assert(
      fc.property(fc.double({ min: 20, max: 2 ** 31, noNaN: true }), (ms) => {
        const parts = [...formatDuration(ms).matchAll(/([\d.]+) ([a-z]+)/g)];
        const read = parts.reduce(
          (sum, [, count, unit]) => sum + Number(count) * (units[unit ?? ''] ?? NaN),
          0,
        );
        expect(Math.abs(read - ms)).toBeLessThanOrEqual(ms / 20);
      }),
    );
  });
});

describe('a timeout', () => {
  it.each([0, 0.5, 1, 30_000, 2 ** 31 - 1])('of %s ms is accepted', (ms) => {
    expect(checkDuration('timeoutMs', ms)).toBe(ms);
  });

  it.each<[unknown, string]>([
    [-1, '-1'],
    [-0.001, '-0.001'],
    [NaN, 'NaN'],
    [Infinity, 'Infinity'],
    [2 ** 31, '2147483648'],
    ['1000', '1000'],
    [null, 'null'],
    [5n, '5'],
  ])('of %p is rejected', (ms, got) => {
    let error: unknown;
    try {
      checkDuration('timeoutMs', ms as number);
    } catch (thrown) {
      error = thrown;
    }
    expect(isCastoffError(error, 'CONFIG_INVALID')).toBe(true);
    expect(error).toMatchObject({ message: `timeoutMs: got ${got}; give milliseconds from 0 to 2147483647` });
  });
});
