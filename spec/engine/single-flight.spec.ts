import { afterAll, describe, expect, it } from '@jest/globals';
import { cleanupContainer } from '../../lib/index';
import { cleanupByKind } from '../support/cleanup-by-kind';
import { openFaultProxy, type FaultProxy } from '../support/fault-proxy';
import { removeLeftovers } from '../support/leftovers';
import { createIdleContainer, createIdleThing, exists, uniqueName } from '../support/things';

afterAll(() => removeLeftovers());

const kinds = ['container', 'network', 'volume', 'image'] as const;

function removals(proxy: FaultProxy): readonly string[] {
  return proxy.calls.filter(({ method }) => method === 'DELETE').map(({ path }) => path);
}

describe('concurrent cleanups of one resource', () => {
  it('send one removal for the id, the short id and the name of a container', async () => {
    await using proxy = await openFaultProxy();
    const name = uniqueName();
    const id = await createIdleContainer({ name });
    const refs = [id, name, id.slice(0, 12), { id }, { getId: () => id }, `/${name}`, id, name];
    // The removal lasts until the callers without an id have inspected: one call for each spelling.
    const held = proxy.hold('DELETE **', Infinity);
    const cleanups = refs.map((ref) => cleanupContainer(ref, { engine: proxy.address }));
    const haveInspected = () =>
      proxy.calls.filter(({ path, ended }) => path.endsWith('/json') && ended === 'answered').length === 2;
    await Promise.all([held.arrived(), proxy.until(haveInspected)]);
    held.release();
    const results = await Promise.all(cleanups);

    expect(removals(proxy)).toEqual([`/containers/${id}?force=true&v=true`]);
    for (const result of results) expect(result).toMatchObject({ id, outcome: 'removed', attempts: 1 });
    expect(await exists('container', id)).toBe(false);
  });

  it.each(kinds)('share one removal of a %s', async (kind) => {
    await using proxy = await openFaultProxy();
    const id = await createIdleThing(kind);
    const held = proxy.hold('DELETE **', Infinity);
    const calls = Array.from({ length: 8 }, () => cleanupByKind[kind](id, { engine: proxy.address }));
    await held.arrived();
    held.release();
    for (const { outcome } of await Promise.all(calls)) expect(outcome).toBe('removed');
    expect(removals(proxy)).toHaveLength(1);
  });

  it('send one removal each for different resources', async () => {
    await using proxy = await openFaultProxy();
    const ids = await Promise.all([createIdleContainer(), createIdleContainer()]);
    await Promise.all(ids.map((id) => cleanupContainer(id, { engine: proxy.address })));
    expect(new Set(removals(proxy))).toEqual(new Set(ids.map((id) => `/containers/${id}?force=true&v=true`)));
  });

  it('continue for the other callers after the deadline of one', async () => {
    await using proxy = await openFaultProxy();
    const id = await createIdleContainer();
    const held = proxy.hold('DELETE **', Infinity);
    const patient = cleanupContainer(id, { engine: proxy.address });
    await held.arrived();
    const hasty = cleanupContainer(id, { engine: proxy.address, timeoutMs: 50 });
    await expect(hasty).rejects.toMatchObject({ code: 'CLEANUP_FAILED' });
    expect(await exists('container', id)).toBe(true);
    held.release();
    expect(await patient).toMatchObject({ outcome: 'removed' });
    expect(removals(proxy)).toHaveLength(1);
  });

  it('continue for the other callers after the deadline of the first', async () => {
    await using proxy = await openFaultProxy();
    const id = await createIdleContainer();
    // The first removal has no answer, and the next ones wait until that deadline is over.
    proxy.inject({ on: 'DELETE **', fault: { type: 'swallow' } });
    const held = proxy.hold('DELETE **', Infinity);
    const hasty = cleanupContainer(id, { engine: proxy.address, timeoutMs: 200 });
    const patient = cleanupContainer(id, { engine: proxy.address });
    await expect(hasty).rejects.toMatchObject({ code: 'CLEANUP_FAILED' });
    held.release();
    expect(await patient).toMatchObject({ outcome: 'removed' });
    expect(await exists('container', id)).toBe(false);
  });

  it('continue for the other callers when one is aborted', async () => {
    await using proxy = await openFaultProxy();
    const id = await createIdleContainer();
    const held = proxy.hold('DELETE **', Infinity);
    const leaving = new AbortController();
    const first = cleanupContainer(id, { engine: proxy.address, signal: leaving.signal });
    const second = cleanupContainer(id, { engine: proxy.address });
    await held.arrived();
    const reason = new Error('no longer wanted');
    leaving.abort(reason);
    await expect(first).rejects.toBe(reason);
    held.release();
    expect(await second).toMatchObject({ outcome: 'removed' });
    expect(removals(proxy)).toHaveLength(1);
  });

  it('start a new removal when called as the last caller leaves', async () => {
    await using proxy = await openFaultProxy();
    const id = await createIdleContainer();
    proxy.inject({ on: 'DELETE **', fault: { type: 'swallow' } });
    const leaving = new AbortController();
    const first = cleanupContainer(id, { engine: proxy.address, signal: leaving.signal });
    await proxy.until('DELETE **');
    const reason = new Error('no longer wanted');
    leaving.abort(reason);
    const atOnce = cleanupContainer(id, { engine: proxy.address });
    const afterwards = first.catch(() => cleanupContainer(id, { engine: proxy.address }));
    await expect(first).rejects.toBe(reason);
    for (const end of await Promise.all([atOnce, afterwards])) {
      expect(['removed', 'removed-elsewhere', 'already-gone']).toContain(
        (end as { outcome: string }).outcome,
      );
    }
    expect(await exists('container', id)).toBe(false);
    expect(removals(proxy)).toHaveLength(2);
  });

  it('start a new removal after a failure', async () => {
    await using proxy = await openFaultProxy();
    const id = await createIdleContainer();
    const refusal = proxy.inject({
      on: 'DELETE **',
      fault: { type: 'answer', status: 403, message: 'not today' },
      times: Infinity,
    });
    const calls = [
      cleanupContainer(id, { engine: proxy.address }),
      cleanupContainer(id, { engine: proxy.address }),
    ];
    for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'CLEANUP_FAILED' });
    expect(refusal.hits()).toBe(1);
    refusal.remove();
    expect(await cleanupContainer(id, { engine: proxy.address })).toMatchObject({
      outcome: 'removed',
      attempts: 1,
    });
  });
});
