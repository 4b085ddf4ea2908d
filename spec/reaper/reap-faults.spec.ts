import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { connectEngine } from '../../lib/engine/connect';
import type { AuditEntry } from '../../lib/reaper/reaping/audit';
import { reapClaim } from '../../lib/reaper/reaping/reap';
import {
  createFamily,
  createIdle,
  createNetworkOf,
  createVolumeOf,
  newSession,
  stillThere,
} from '../support/claimed-things';
import { openCutRelay } from '../support/cut-relay';
import { openFaultProxy, type FaultProxy } from '../support/fault-proxy';
import { makeUndeletable } from '../support/fault-undeletable';
import { removeLeftovers } from '../support/leftovers';
import { exists } from '../support/things';
import { until } from '../support/until';

let proxy: FaultProxy;
beforeEach(async () => void (proxy = await openFaultProxy()));
afterEach(() => proxy.close());
afterAll(() => removeLeftovers());

const settlePausesMs = [0];
/** Short: with the defaults, giving up takes a minute. */
const pauses = { firstPauseMs: 50, maxPauseMs: 200, settlePausesMs };

describe('reaping a resource that cannot be removed', () => {
  it('reports it with the engine’s message, and delays no other removal', async () => {
    const { claim, labels } = newSession();
    const [stuck, ...others] = await Promise.all([
      createIdle(labels),
      createIdle(labels),
      createNetworkOf(labels),
      createVolumeOf(labels),
    ]);
    const entries: AuditEntry[] = [];
    await using atEnd = new AsyncDisposableStack();
    atEnd.use(await makeUndeletable(proxy.upstream, stuck.id));
    const reaping = reapClaim(await connectEngine(), claim, {
      ...pauses,
      maxAttempts: 3,
      onAudit: (entry) => entries.push(entry),
    });

    expect(await until(async () => (await stillThere(others)).length === 0)).toBe(true);
    expect(entries.filter(({ outcome }) => outcome === 'left')).toEqual([]);
    const { removed, left } = await reaping;

    expect(removed).toEqual({ container: 1, network: 1, volume: 1, image: 0 });
    expect(left).toEqual([
      {
        kind: 'container',
        id: stuck.id,
        name: expect.any(String),
        reason: expect.stringMatching(/^500 .*operation not permitted/),
      },
    ]);
    expect(entries.filter(({ outcome }) => outcome === 'left')).toMatchObject([
      { id: stuck.id, reason: left[0]?.reason },
    ]);
  });

  it('continues after an outage while it reads the labels of an image', async () => {
    const { claim, labels } = newSession();
    const owned = await createIdle(labels);
    const lost = proxy.inject({ on: 'GET /images/*/json', fault: { type: 'reset' } });
    const { removed, cutShort } = await reapClaim(await connectEngine(proxy.address), claim, pauses);
    expect(lost.hits()).toBe(1);
    expect({ removed: removed.container, cutShort }).toEqual({ removed: 1, cutShort: undefined });
    expect(await stillThere([owned])).toEqual([]);
  });

  it('removes it with a later attempt, when it is no longer in use', async () => {
    const { claim, labels } = newSession();
    const stuck = await createIdle(labels);
    const undeletable = await makeUndeletable(proxy.upstream, stuck.id);
    const reaping = reapClaim(await connectEngine(proxy.address), claim, pauses);
    const deletes = () => proxy.calls.filter(({ method, ended }) => method === 'DELETE' && ended).length;
    expect(await until(() => deletes() >= 5)).toBe(true);
    await undeletable[Symbol.asyncDispose]();

    const { removed, left } = await reaping;

    expect(left).toEqual([]);
    expect(removed.container).toBe(1);
    expect(await stillThere([stuck])).toEqual([]);
  });

  it('reports a refused removal at once', async () => {
    const { claim, labels } = newSession();
    const [own, other] = await Promise.all([createIdle(labels), createIdle(labels)]);
    const message = 'authorization denied by plugin';
    proxy.inject({
      on: `DELETE /containers/${own.id}`,
      fault: { type: 'answer', status: 403, message },
      times: Infinity,
    });

    const { removed, left } = await reapClaim(await connectEngine(proxy.address), claim, { settlePausesMs });

    expect(left).toMatchObject([{ id: own.id, reason: `403 ${message}` }]);
    expect(removed.container).toBe(1);
    expect(await stillThere([own, other])).toEqual([own]);
  });
});

describe('reaping on an engine', () => {
  it('that is cut off in the middle finishes when it is back', async () => {
    await using relay = await openCutRelay();
    const { claim, labels } = newSession();
    const resources = await createFamily(labels);
    const reaping = reapClaim(await connectEngine(relay.address), claim, {
      settlePausesMs,
      onAudit: ({ kind }) => kind === 'container' && relay.hold(),
    });
    expect(await until(() => relay.refusals() >= 3)).toBe(true);
    relay.release();

    const { removed, left, cutShort } = await reaping;

    expect(cutShort).toBeUndefined();
    expect(left).toEqual([]);
    expect(removed).toEqual({ container: 1, network: 1, volume: 1, image: 1 });
    expect(await stillThere(resources)).toEqual([]);
  });

  it('that stays unreachable ends at the timeout, with the reason', async () => {
    await using relay = await openCutRelay();
    const { claim } = newSession();
    const engine = await connectEngine(relay.address);
    relay.hold();

    const { removed, cutShort } = await reapClaim(engine, claim, { engineTimeoutMs: 2_000 });

    expect(cutShort).toMatch(/^no engine for 2\.0 s: container list/);
    expect(removed).toEqual({ container: 0, network: 0, volume: 0, image: 0 });
  });

  it('that loses, ignores and resets requests still removes everything', async () => {
    const { claim, labels } = newSession();
    const resources = [
      ...(await createFamily(labels)),
      ...(await Promise.all([createIdle(labels), createIdle(labels)])),
    ];
    for (const [on, type] of [
      ['DELETE /containers/*', 'lose-answer'],
      ['DELETE /containers/*', 'swallow'],
      ['GET /containers/*/json', 'swallow'],
      ['DELETE /networks/*', 'reset'],
      ['GET /volumes/*', 'reset'],
      ['DELETE /volumes/*', 'cut-answer'],
      ['GET /images/json', 'reset'],
    ] as const) {
      proxy.inject({ on, fault: { type } });
    }

    const { removed, left, cutShort } = await reapClaim(await connectEngine(proxy.address), claim, {
      settlePausesMs,
      // Only the requests that are ignored wait for so long.
      requestTimeoutMs: 3_000,
    });

    expect(cutShort).toBeUndefined();
    expect(left).toEqual([]);
    expect(removed).toEqual({ container: 3, network: 1, volume: 1, image: 1 });
    expect(await stillThere(resources)).toEqual([]);
  });

  it('that cannot list one kind removes the others, and reports the failure', async () => {
    const { claim, labels } = newSession();
    const own = await createIdle(labels);
    const fault = { type: 'answer', status: 500, message: 'broken store' } as const;
    proxy.inject({ on: 'GET /volumes', fault, times: Infinity });

    const { removed, cutShort } = await reapClaim(await connectEngine(proxy.address), claim, {
      settlePausesMs,
    });

    expect(removed.container).toBe(1);
    expect(cutShort).toMatch(/^volume list .*: 500 broken store/);
    expect(await stillThere([own])).toEqual([]);
  });

  it('that cannot list the adoptions of other sessions keeps volumes, and reports why', async () => {
    const { claim, labels } = newSession();
    const [container, volume] = [await createIdle(labels), await createVolumeOf(labels)];
    const fault = { type: 'answer', status: 500, message: 'broken store' } as const;
    // The second listing of volumes each time is that of the markers.
    proxy.inject({
      on: 'GET /volumes',
      fault: (_asked, nth) => (nth % 2 === 0 ? fault : undefined),
      times: Infinity,
    });

    const { removed, cutShort } = await reapClaim(await connectEngine(proxy.address), claim, {
      settlePausesMs,
    });

    expect(removed.container).toBe(1);
    expect(cutShort).toMatch(/^volume list castoff\.adopts: 500 broken store/);
    expect(await stillThere([container, volume])).toEqual([volume]);
  });
});

describe('reaping a claim that is held again', () => {
  it('sends no more removals, and reports the outcome of those already sent', async () => {
    const { claim, labels } = newSession();
    const [volume, ...containers] = await Promise.all([
      createVolumeOf(labels),
      createIdle(labels),
      createIdle(labels),
    ]);
    const claimedAgain = new AbortController();
    proxy.inject({ on: 'DELETE /containers/*', fault: { type: 'delay', ms: 300 }, times: Infinity });
    const reaping = reapClaim(await connectEngine(proxy.address), claim, { signal: claimedAgain.signal });
    await proxy.until('DELETE /containers/*');
    claimedAgain.abort(new Error('claimed again'));

    const { removed, left, cutShort } = await reaping;
    const sent = proxy.calls.filter(({ method }) => method === 'DELETE').length;

    expect(cutShort).toBe('claimed again');
    expect(removed.container).toBe(sent);
    expect(left).toHaveLength(containers.length - sent);
    expect(await exists('volume', volume.id)).toBe(true);
    expect(await stillThere(containers)).toHaveLength(containers.length - sent);
  });

  it('does not retry failed removals', async () => {
    const { claim, labels } = newSession();
    const volume = await createVolumeOf(labels);
    const claimedAgain = new AbortController();
    proxy.inject({ on: 'DELETE /volumes/*', fault: { type: 'answer', status: 409, message: 'in use' } });
    const reaping = reapClaim(await connectEngine(proxy.address), claim, { signal: claimedAgain.signal });
    await proxy.until(({ method, ended }) => method === 'DELETE' && ended === 'answered');
    claimedAgain.abort(new Error('claimed again'));

    const { left } = await reaping;

    expect(left).toMatchObject([{ id: volume.id, reason: 'claimed again' }]);
    expect(await stillThere([volume])).toEqual([volume]);
  });
});
