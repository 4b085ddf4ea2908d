import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { CastoffError } from '../../lib/core/errors';
import { checkClaim } from '../../lib/reaper/leases/claim';
import { reapOnEngine } from '../../lib/reaper/daemon/engine-reap';
import { readSettings } from '../../lib/reaper/daemon/settings';

const check = checkClaim(['castoff.session=s']);
if ('refusal' in check) throw new Error(check.refusal);
const { claim } = check;

const { reap } = reapOnEngine({
  mode: 'host',
  settings: readSettings({}),
  observe: () => undefined,
  connect: () => Promise.reject(new CastoffError('ENGINE_UNREACHABLE', 'nothing listens')),
});

describe('reaping on an unreachable engine', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  /** Whether a reaping has given up after `afterMs`. */
  async function hasGivenUp(isLate: boolean, afterMs: number): Promise<boolean> {
    const leaving = new AbortController();
    const never = new AbortController().signal;
    let isOver = false;
    const reaping = reap(claim, {
      lastHolder: 'spec',
      sinceMs: performance.now(),
      isLate,
      signal: leaving.signal,
      endSoon: never,
    }).catch(() => (isOver = true));
    await jest.advanceTimersByTimeAsync(afterMs);
    const wasOver = isOver;
    leaving.abort();
    await reaping;
    return wasOver;
  }

  it('waits for minutes after a crash, and at most 10 s for a later listing', async () => {
    expect(await hasGivenUp(false, 60_000)).toBe(false);
    expect(await hasGivenUp(true, 10_000)).toBe(true);
  });
});
