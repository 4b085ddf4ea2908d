import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { formatGoDuration, parseDuration, parseGoBool, parseGoDuration } from '../../lib/core/go-duration';

describe('a duration that may have days', () => {
  it.each([
    ['2d', 172_800_000],
    ['1.5d', 129_600_000],
    ['1d12h30m', 131_400_000],
    ['90s', 90_000],
    ['0', 0],
    ['0d', 0],
  ])('%s is parsed', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(['', 'd', '2', '-1s', '-2d', '1d-1s', '2h1d', '2 d', '1e3d'])('%j is invalid', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});

describe('a Go duration', () => {
  it.each([
    ['10s', 10_000],
    ['0.1s', 100],
    ['.5s', 500],
    ['1.s', 1_000],
    ['1m0s', 60_000],
    ['10ms', 10],
    ['1h2m3s4ms', 3_723_004],
    ['100us', 0.1],
    ['100µs', 0.1],
    ['-1s', -1_000],
    ['+1s', 1_000],
    ['0', 0],
    ['-0', 0],
  ])('%s is parsed', (text, ms) => {
    expect(parseGoDuration(text)).toBeCloseTo(ms, 9);
  });

  it.each(['', '10', '1e9h', '1 s', 's', '.s', '--1s', '1d', '10S', 'Infinity', '9999999999h'])(
    '%j is invalid',
    (text) => {
      expect(parseGoDuration(text)).toBeUndefined();
    },
  );

  it.each([
    [0, '0s'],
    [10, '10ms'],
    [500, '500ms'],
    [10_000, '10s'],
    [60_000, '1m0s'],
    [600_000, '10m0s'],
    [3_600_000, '1h0m0s'],
    [-1_000, '-1s'],
    [1_388, '1.388s'],
  ])('of %d ms is formatted as %s', (ms, text) => {
    expect(formatGoDuration(ms)).toBe(text);
  });

  it('is parsed to the value that was formatted', () => {
    fc.assert(
      fc.property(fc.integer({ min: -1e12, max: 1e12 }), (ms) => {
        expect(parseGoDuration(formatGoDuration(ms))).toBeCloseTo(ms, 3);
      }),
    );
  });
});

describe('a Go boolean', () => {
  it.each([
    ['1', true],
    ['t', true],
    ['TRUE', true],
    ['0', false],
    ['False', false],
    ['yes', undefined],
    ['tRUE', undefined],
    ['', undefined],
  ])('%j is %s', (text, value) => {
    expect(parseGoBool(text)).toBe(value);
  });
});
