import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import Docker from 'dockerode';
import { connectEngine } from '../../lib/engine/connect';
import { reapClaim } from '../../lib/reaper/reaping/reap';
import { createIdle, newSession, stillThere, type CreatedResource } from '../support/claimed-things';
import { openFaultProxy, type FaultProxy } from '../support/fault-proxy';
import { removeLeftovers } from '../support/leftovers';
import { specImage } from '../support/spec-image';
import { exists, specLabel } from '../support/things';

let proxy: FaultProxy;
beforeEach(async () => void (proxy = await openFaultProxy()));
afterEach(() => proxy.close());
afterAll(() => removeLeftovers());

const listings = (): number =>
  proxy.calls.filter(({ method, path }) => method === 'GET' && path.includes('/containers/json')).length;

describe('a resource that is created while its claim is reaped', () => {
  it('is removed as soon as it is listed', async () => {
    const { claim, labels } = newSession();
    const resources: CreatedResource[] = [await createIdle(labels)];
    const reaping = reapClaim(await connectEngine(proxy.address), claim);
    await proxy.until('DELETE /containers/*');
    for (let late = 1; late <= 5; late += 1) resources.push(await createIdle(labels));

    const { removed, left } = await reaping;

    expect(await stillThere(resources)).toEqual([]);
    expect(left).toEqual([]);
    expect(removed.container).toBe(6);
  });

  it('is removed when its create request finishes 300 ms after an empty listing', async () => {
    const { claim, labels } = newSession();
    proxy.inject({ on: 'POST /containers/create', fault: { type: 'delay', ms: 300 } });
    const reaping = reapClaim(await connectEngine(proxy.address), claim);
    await proxy.until(({ path, ended }) => path.includes('/containers/json') && ended === 'answered');
    const { id } = await new Docker({ socketPath: proxy.socketPath }).createContainer({
      Image: specImage,
      Labels: { ...specLabel, ...labels },
    });

    const { removed } = await reaping;

    expect(await exists('container', id)).toBe(false);
    expect(removed.container).toBe(1);
  });

  it('is listed for with growing pauses, until two listings in a row are empty', async () => {
    const { claim } = newSession();
    const { durationMs } = await reapClaim(await connectEngine(proxy.address), claim, {
      settlePausesMs: [50, 200],
    });

    expect(listings()).toBe(3);
    expect(durationMs).toBeGreaterThanOrEqual(250);
  });

  it('is not waited for when its owner died long before the first listing', async () => {
    const { claim, labels } = newSession();
    const settled = { settlePausesMs: [50, 200], settledAtMs: performance.now() };
    await reapClaim(await connectEngine(proxy.address), claim, settled);
    expect(listings()).toBe(1);

    await createIdle(labels);
    const { removed } = await reapClaim(await connectEngine(proxy.address), claim, settled);
    expect(removed.container).toBe(1);
    expect(listings()).toBeGreaterThan(3);
  });
});
