import { describe, expect, it } from '@jest/globals';
import { latePauses, modeDefaults } from '../../lib/reaper/leases/reaper-mode';

describe('the pauses before later listings', () => {
  it.each([
    ['sidecar', undefined, [5_000, 10_000]],
    ['host', undefined, [5_000, 10_000, 45_000]],
    ['daemon', undefined, [5_000, 10_000, 45_000]],
    ['ryuk', undefined, []],
    ['host', 0, []],
    ['sidecar', 8_000, [5_000, 3_000]],
    ['ryuk', 300, [300]],
  ] as const)('are, in mode %s with CASTOFF_REAPER_WATCH=%s, %j', (mode, watchMs, pauses) => {
    expect(latePauses(watchMs ?? modeDefaults[mode].watchMs)).toEqual(pauses);
  });
});
