import { describe, expect, it } from '@jest/globals';
import { latePauses } from '../../lib/reaper/leases/late-pauses';

describe('the pauses before later listings', () => {
  it.each([
    ['attached', undefined, [5_000, 10_000]],
    ['host', undefined, [5_000, 10_000, 45_000]],
    ['standing', undefined, [5_000, 10_000, 45_000]],
    ['stand-alone', undefined, []],
    ['host', 0, []],
    ['attached', 8_000, [5_000, 3_000]],
    ['stand-alone', 300, [300]],
  ] as const)('are, in mode %s with CASTOFF_REAPER_WATCH=%s, %j', (mode, watchMs, pauses) => {
    expect(latePauses(mode, watchMs)).toEqual(pauses);
  });
});
