import { describe, expect, it } from '@jest/globals';
import { deadline, isCastoffError } from '../../lib/index';

const aborted = (signal: AbortSignal): Promise<unknown> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(signal.reason);
    signal.addEventListener('abort', () => resolve(signal.reason), { once: true });
  });

describe('a deadline', () => {
  it('aborts when it expires, with the operation and the timeout in its reason', async () => {
    const startedAt = performance.now();
    const reason = await aborted(deadline(30, { what: 'start postgres' }));
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(29);
    expect(isCastoffError(reason, 'DEADLINE_EXCEEDED')).toBe(true);
    expect(reason).toMatchObject({
      message: 'start postgres: timed out after 30 ms',
      what: 'start postgres',
      timeoutMs: 30,
    });
  });

  it('does not abort before it expires', async () => {
    const signal = deadline(60_000, { what: 'anything' });
    await new Promise((resolve) => setImmediate(resolve));
    expect(signal.aborted).toBe(false);
  });

  it('aborts with the reason of the given signal when that aborts first', async () => {
    const leaving = new AbortController();
    const signal = deadline(60_000, { what: 'anything', signal: leaving.signal });
    const reason = new Error('no longer wanted');
    leaving.abort(reason);
    expect(await aborted(signal)).toBe(reason);
  });

  it('is aborted immediately when the given signal is', () => {
    const reason = { not: 'an error' };
    expect(deadline(60_000, { what: 'anything', signal: AbortSignal.abort(reason) }).reason).toBe(reason);
  });

  it('keeps its own reason when the given signal aborts later', async () => {
    const leaving = new AbortController();
    const signal = deadline(1, { what: 'anything', signal: leaving.signal });
    const reason = await aborted(signal);
    leaving.abort(new Error('too late'));
    expect(signal.reason).toBe(reason);
    expect(isCastoffError(reason, 'DEADLINE_EXCEEDED')).toBe(true);
  });

  it.each([-1, NaN, Infinity, 2 ** 31])('of %s ms is rejected', (timeoutMs) => {
    expect(() => deadline(timeoutMs, { what: 'anything' })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(`${timeoutMs}`) }),
    );
  });
});
