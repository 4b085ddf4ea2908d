import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { openReaper } from '../../lib/reaper';
import type { ReaperEvent } from '../../lib/reaper/reaping/observer';
import { removeLeftovers } from '../support/leftovers';
import { connectLine, hello, request } from '../support/reaper-line';
import { rejectionOf } from '../support/rejection';
import { docker, exists, specLabel, uniqueName } from '../support/things';
import { until } from '../support/until';

afterAll(() => removeLeftovers());

const anyPort = { listen: { port: 0 } };
const portOf = (address: string) => Number(address.split(':').at(-1));
const nothing = { container: 0, network: 0, volume: 0, image: 0 };

async function volume(): Promise<{ name: string; label: string }> {
  const name = uniqueName();
  const label = `castoff.session=${name}`;
  await docker.createVolume({ Name: name, Labels: { ...specLabel, 'castoff.session': name } });
  return { name, label };
}

describe('openReaper', () => {
  it('shows leases and claims, reaps claims without a lease, and reports every event', async () => {
    const { name, label } = await volume();
    const events: ReaperEvent[] = [];
    await using reaper = await openReaper({
      ...anyPort,
      graceMs: 50,
      observe: (event) => events.push(event),
    });
    expect(reaper.address).toMatch(/^127\.0\.0\.1:\d+$/);
    const line = await connectLine({ port: portOf(reaper.address) });
    await line.ask(hello('the-session'));
    await line.ask(request('claim', label));
    expect(reaper.snapshot()).toMatchObject({
      mode: 'daemon',
      isDraining: false,
      connections: 1,
      leases: [{ holder: expect.stringContaining('session the-session'), claims: [[label]] }],
      ending: [],
      removed: nothing,
      left: [],
    });
    line[Symbol.dispose]();
    expect(await until(() => reaper.snapshot().removed.volume === 1)).toBe(true);
    expect(await exists('volume', name)).toBe(false);
    expect(reaper.snapshot()).toMatchObject({ connections: 0, leases: [], ending: [] });
    expect(events.map(({ type }) => type)).toEqual([
      'listening',
      'connection-opened',
      'lease-opened',
      'claimed',
      'lease-closed',
      'connection-closed',
      'reap-began',
      'audited',
      'reap-ended',
    ]);
  });

  it('closes when its last client disconnects, and resolves to a summary', async () => {
    const { name, label } = await volume();
    const reaper = await openReaper({ ...anyPort, graceMs: 3_600_000 });
    using line = await connectLine({ port: portOf(reaper.address) });
    await line.ask(hello());
    await line.ask(request('claim', label));
    const [first, second] = [reaper.close(), reaper.close()];
    expect(await line.ask({ id: 40, type: 'ping' })).toEqual({ id: 40, ok: true });
    expect(reaper.snapshot().isDraining).toBe(true);
    line.end();
    const end = { removed: { ...nothing, volume: 1 }, left: [], failures: [] };
    expect(await first).toMatchObject(end);
    expect(await second).toMatchObject(end);
    expect(await exists('volume', name)).toBe(false);
  });

  it('closes at the shutdown timeout although clients are connected', async () => {
    const { name, label } = await volume();
    const reaper = await openReaper({ ...anyPort, shutdownTimeoutMs: 50, graceMs: 3_600_000 });
    using line = await connectLine({ port: portOf(reaper.address) });
    await line.ask(hello());
    await line.ask(request('claim', label));
    expect(await reaper.close()).toMatchObject({ removed: { volume: 1 } });
    expect(await exists('volume', name)).toBe(false);
  });

  it('closes although resources of a claim are still being created', async () => {
    const { name, label } = await volume();
    const hasCome = Promise.withResolvers<unknown>();
    const creations: Promise<unknown>[] = [];
    const create = () =>
      docker.createVolume({ Name: uniqueName(), Labels: { ...specLabel, 'castoff.session': name } });
    let isOver = false;
    const reaper = await openReaper({
      ...anyPort,
      graceMs: 0,
      observe: (event) => {
        if (event.type !== 'audited' || isOver) return;
        const creation = create();
        creations.push(creation);
        void creation.then(hasCome.resolve);
      },
    });
    const line = await connectLine({ port: portOf(reaper.address) });
    await line.ask(hello());
    await line.ask(request('claim', label));
    line[Symbol.dispose]();
    await hasCome.promise;
    const end = await reaper.close();
    isOver = true;
    await Promise.all(creations);
    expect(end.removed.volume).toBeGreaterThan(1);
  });

  it('waits for a Ryuk client to reconnect for reconnectionTimeoutMs', async () => {
    const { name, label } = await volume();
    await using reaper = await openReaper({ ...anyPort, graceMs: 3_600_000, reconnectionTimeoutMs: 20 });
    const line = await connectLine({ port: portOf(reaper.address) });
    line.send(`label=${label}\n`);
    expect(await line.responses(1)).toEqual(['ACK']);
    line[Symbol.dispose]();
    expect(await until(async () => !(await exists('volume', name)))).toBe(true);
  });

  it('removes nothing in a dry run', async () => {
    const { name, label } = await volume();
    const events: ReaperEvent[] = [];
    const reaper = await openReaper({
      ...anyPort,
      graceMs: 0,
      isDryRun: true,
      observe: (event) => events.push(event),
    });
    const line = await connectLine({ port: portOf(reaper.address) });
    await line.ask(hello());
    await line.ask(request('claim', label));
    line[Symbol.dispose]();
    expect(await until(() => events.some(({ type }) => type === 'reap-ended'))).toBe(true);
    await reaper.close();
    expect(events).toContainEqual({
      type: 'audited',
      entry: expect.objectContaining({ outcome: 'would-remove', kind: 'volume', id: name }),
    });
    expect(await exists('volume', name)).toBe(true);
  });

  it('requires a token over TCP, and accepts only some label keys', async () => {
    await using reaper = await openReaper({ ...anyPort, token: 'secret', claimableKeys: ['team'] });
    using line = await connectLine({ port: portOf(reaper.address) });
    expect(await line.ask(request('claim', 'team=1'))).toMatchObject({ ok: false });
    expect(await line.ask(hello('spec', { token: 'secret' }))).toMatchObject({ ok: true });
    expect(await line.ask(request('claim', 'mine=1'))).toMatchObject({ ok: false });
    const team = uniqueName();
    expect(await line.ask(request('claim', `team=${team}`))).toMatchObject({ ok: true });
    expect(await line.ask(request('release', `team=${team}`))).toMatchObject({ ok: true });
    line.end();
  });

  it('listens at a path, and frees it on close', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'castoff-spec-'));
    const path = join(folder, 'own.sock');
    const reaper = await openReaper({ listen: { path } });
    expect(reaper.address).toBe(path);
    expect(await rejectionOf(openReaper({ listen: { path } }))).toMatchObject({
      code: 'REAPER_UNAVAILABLE',
      message: `listen at ${path}: another reaper already serves there; connect to it`,
    });
    await reaper.close();
    await using again = await openReaper({ listen: { path } });
    expect(again.address).toBe(path);
    await again.close();
    await rm(folder, { recursive: true });
  });

  it('rejects an invalid duration', async () => {
    expect(await rejectionOf(openReaper({ ...anyPort, graceMs: -1 }))).toMatchObject({
      code: 'CONFIG_INVALID',
    });
  });
});
