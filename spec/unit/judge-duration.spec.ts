import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { judgeDuration } from '../../lib/durations/judge-duration';

/** `count` runs that take `ms` as a rule, the slowest `slowestMs`. */
const runs = (count: number, ms: number, slowestMs = ms): readonly number[] => [
  slowestMs,
  ...Array.from({ length: count - 1 }, () => ms),
];

describe('the judgement of a limit that expired', () => {
  it.each([
    [
      'the limit was below the usual duration',
      runs(37, 2_000, 4_100),
      { limitMs: 3_000 },
      'p99 over 37 runs is 4.1 s, the limit was 3 s: the limit looks too tight; 6.7 s would fit',
    ],
    [
      'the limit was barely above the usual duration',
      runs(5, 80, 90),
      { limitMs: 100 },
      'p99 over 5 runs is 90 ms, the limit was 100 ms: the limit looks too tight; 635 ms would fit',
    ],
    [
      'it had only a part of its limit, which is that of its scope',
      runs(8, 4_000),
      { limitMs: 10_000, elapsedMs: 1_000 },
      'p99 over 8 runs is 4 s, it had 1 s of a limit of 10 s: the limit looks too tight; 15.5 s would fit',
    ],
    [
      'it took far longer than usual',
      runs(12, 400, 600),
      { limitMs: 30_000 },
      'takes 400 ms as a rule, now 30 s: this hangs',
    ],
    [
      'it took no time as a rule',
      runs(9, 0),
      { limitMs: 5_000 },
      'takes 1 ms as a rule, now 5 s: this hangs',
    ],
    [
      'it took longer than usual, but not by far',
      runs(20, 1_000, 1_200),
      { limitMs: 3_000 },
      'p99 over 20 runs is 1.2 s, the limit was 3 s: slower than usual',
    ],
    [
      'a short pause of the machine explains the difference',
      runs(20, 1),
      { limitMs: 20 },
      'p99 over 20 runs is 1 ms, the limit was 20 ms: slower than usual',
    ],
    ['there are four runs', runs(4, 10), { limitMs: 30_000 }, undefined],
    ['there is no run', [], { limitMs: 30_000 }, undefined],
  ])('%s', (_when, durationsMs, expired, judgement) => {
    expect(judgeDuration(durationsMs, expired)).toBe(judgement);
  });

  const durations = fc.array(fc.nat(100_000), { maxLength: 200 });
  const limits = fc.integer({ min: 1, max: 1_000_000 });

  it('makes no claim from fewer than 5 runs, and none that its numbers contradict', () => {
    fc.assert(
      fc.property(durations, limits, (durationsMs, limitMs) => {
        const judgement = judgeDuration(durationsMs, { limitMs });
        if (durationsMs.length < 5) return judgement === undefined;
        const slowest = Math.max(...durationsMs);
        if (judgement?.endsWith('this hangs') === true)
          return limitMs > Math.min(...durationsMs.toSorted((a, b) => a - b).slice(-2));
        return judgement?.includes('too tight') !== true || limitMs <= 1.5 * slowest;
      }),
    );
  });

  it('does not depend on the order of the runs', () => {
    fc.assert(
      fc.property(durations, limits, (durationsMs, limitMs) => {
        const [given, sorted] = [durationsMs, durationsMs.toSorted((a, b) => b - a)];
        expect(judgeDuration(given, { limitMs })).toBe(judgeDuration(sorted, { limitMs }));
      }),
    );
  });

  it('never calls a limit too tight and the same run a hang as the limit grows: tight, slow, hang', () => {
    const rank = (text: string | undefined): number =>
      ['too tight', 'slower', 'hangs'].findIndex((each) => text?.includes(each));
    fc.assert(
      fc.property(fc.array(fc.nat(10_000), { minLength: 5 }), limits, limits, (durationsMs, a, b) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        const ranks = [low, high].map((limitMs) => rank(judgeDuration(durationsMs, { limitMs })));
        expect(ranks[0]).toBeGreaterThanOrEqual(0);
        expect(ranks[0]).toBeLessThanOrEqual(ranks[1] ?? -1);
      }),
    );
  });
});
