import { afterAll, describe, expect, it } from '@jest/globals';
import { deadline } from '../../lib/index';
import { cleanupByKind } from '../support/cleanup-by-kind';
import { openFaultProxy } from '../support/fault-proxy';
import { removeLeftovers } from '../support/leftovers';
import { createIdleThing, exists, removeByHand } from '../support/things';
import { until } from '../support/until';

afterAll(() => removeLeftovers());

describe.each(['container', 'network', 'volume', 'image'] as const)('the removal of a %s', (kind) => {
  it('goes on when the wait for it is aborted, which rejects with the reason as it is', async () => {
    await using proxy = await openFaultProxy();
    const id = await createIdleThing(kind);
    const held = proxy.hold('DELETE **');
    const leaving = new AbortController();
    const cleanup = cleanupByKind[kind](id, { engine: proxy.address, signal: leaving.signal });
    await held.arrived();
    const reason = { not: 'even an error' };
    leaving.abort(reason);
    await expect(cleanup).rejects.toBe(reason);
    expect(await exists(kind, id)).toBe(true);
    held.release();
    expect(await until(async () => !(await exists(kind, id)))).toBe(true);
    expect(proxy.calls.filter(({ method }) => method === 'DELETE')).toHaveLength(1);
  });

  it('is sent no more after the wait for it is aborted', async () => {
    await using proxy = await openFaultProxy();
    const id = await createIdleThing(kind);
    proxy.inject({
      on: 'DELETE **',
      fault: { type: 'answer', status: 500, message: 'no luck' },
      times: Infinity,
    });
    const leaving = new AbortController();
    const cleanup = cleanupByKind[kind](id, { engine: proxy.address, signal: leaving.signal });
    await proxy.until(({ method, ended }) => method === 'DELETE' && ended === 'answered');
    leaving.abort();
    await expect(cleanup).rejects.toBe(leaving.signal.reason);
    const sent = proxy.calls.length;
    // Longer than the first pauses: 50 to 100 ms, then 100 to 200 ms.
    expect(await until(() => proxy.calls.length > sent, 400)).toBe(false);
    await removeByHand(kind, id);
  });

  it('ends with the reason of a deadline that the caller has set, untouched', async () => {
    await using proxy = await openFaultProxy();
    const id = await createIdleThing(kind);
    proxy.inject({ on: 'DELETE **', fault: { type: 'swallow' }, times: Infinity });
    const signal = deadline(150, { what: 'tidy up' });
    const error: unknown = await cleanupByKind[kind](id, { engine: proxy.address, signal }).catch(
      (reason: unknown) => reason,
    );
    expect(error).toBe(signal.reason);
    expect(error).toMatchObject({ code: 'DEADLINE_EXCEEDED', what: 'tidy up' });
    await removeByHand(kind, id);
  });
});
