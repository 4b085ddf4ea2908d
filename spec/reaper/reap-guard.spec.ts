import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { labelNames } from '../../lib/core/labels';
import { connectEngine } from '../../lib/engine/connect';
import type { Engine } from '../../lib/engine/engine';
import type { Claim } from '../../lib/reaper/leases/claim';
import { reapClaim } from '../../lib/reaper/reaping/reap';
import { cleanupByLabel } from '../../lib/resources/cleanup-by-label';
import { createImageOf, createVolumeOf, newSession, stillThere } from '../support/claimed-things';
import { openFaultProxy, type FaultProxy } from '../support/fault-proxy';
import { removeLeftovers } from '../support/leftovers';
import { docker, exists, specLabel, uniqueName } from '../support/things';

let proxy: FaultProxy;
beforeEach(async () => void (proxy = await openFaultProxy()));
afterEach(() => proxy.close());
afterAll(() => removeLeftovers());

const theirs = { ...specLabel, [labelNames.session]: 'another' };
const deletes = (): number => proxy.calls.filter(({ method }) => method === 'DELETE').length;

describe.each<[string, (engine: Engine, claim: Claim) => Promise<unknown>]>([
  ['reapClaim', (engine, claim) => reapClaim(engine, claim, { settlePausesMs: [0] })],
  ['cleanupByLabel', (engine, { labels }) => cleanupByLabel(engine, labels, { timeoutMs: 10_000 })],
])('%s keeps a resource that another client created under the name of a listed one:', (_name, remove) => {
  it('a volume', async () => {
    const { claim, labels } = newSession();
    const name = uniqueName();
    await createVolumeOf(labels, name);
    proxy.inject({ on: `GET /volumes/${name}`, fault: { type: 'delay', ms: 500 } });
    const removing = remove(await connectEngine(proxy.address), claim);
    await proxy.until(`GET /volumes/${name}`);
    await docker.getVolume(name).remove();
    await docker.createVolume({ Name: name, Labels: theirs });

    await removing;

    expect(await exists('volume', name)).toBe(true);
    expect(deletes()).toBe(0);
  });

  it('a volume, while the one that was listed was in use', async () => {
    const { claim, labels } = newSession();
    const name = uniqueName();
    await createVolumeOf(labels, name);
    const message = `remove ${name}: volume is in use - [0123]`;
    proxy.inject({
      on: `DELETE /volumes/${name}`,
      fault: { type: 'answer', status: 409, message },
      times: Infinity,
    });
    const removing = remove(await connectEngine(proxy.address), claim);
    await proxy.until(({ method, ended }) => method === 'DELETE' && ended === 'answered');
    await docker.getVolume(name).remove();
    await docker.createVolume({ Name: name, Labels: theirs });
    const deleted = deletes();

    await removing;

    // One removal may be in flight.
    expect(deletes()).toBeLessThanOrEqual(deleted + 1);
    expect(await exists('volume', name)).toBe(true);
  });
});

describe('reapClaim', () => {
  it('keeps an image that has taken over a name of a listed one', async () => {
    const { claim, labels } = newSession();
    const [own, other] = await Promise.all([createImageOf(labels), createImageOf(theirs)]);
    const { RepoTags } = await docker.getImage(own.id).inspect();
    const name = RepoTags[1]!;
    proxy.inject({ on: `GET /images/${name}/json`, fault: { type: 'delay', ms: 500 } });
    const reaping = reapClaim(await connectEngine(proxy.address), claim, { settlePausesMs: [0] });
    await proxy.until(`GET /images/${name}/json`);
    const [repo = '', tag = ''] = name.split(':');
    await docker.getImage(other.id).tag({ repo, tag });

    const { removed, left } = await reaping;

    expect(left).toEqual([]);
    expect(removed.image).toBe(1);
    expect(await stillThere([own, other])).toEqual([other]);
    expect((await docker.getImage(other.id).inspect()).RepoTags).toContain(name);
  });
});

describe('reaping while resources are still being created', () => {
  const claimOfVolumes = async () => {
    const session = newSession();
    const create = () => createVolumeOf(session.labels);
    await create();
    return { ...session, create };
  };

  it('ends at the limit of removals', async () => {
    const { claim, create } = await claimOfVolumes();
    const creations: Promise<unknown>[] = [];
    const report = await reapClaim(await connectEngine(), claim, {
      maxRemovals: 4,
      settlePausesMs: [500, 500],
      onAudit: () => void creations.push(create()),
    });
    await Promise.all(creations);
    expect(report.removed.volume).toBe(4);
    expect(report.cutShort).toMatch(/^it covers 5 resources, more than the limit of 4/);
  });

  it('ends after one more round when the reaper must exit, and reports what still exists', async () => {
    const { claim, create } = await claimOfVolumes();
    // The listing after the last round shows it: the removal waits until it is created.
    const created = Promise.withResolvers<unknown>();
    const fault = { type: 'hold', until: created.promise } as const;
    const removal = proxy.inject({ on: 'DELETE /volumes/*', fault, times: Infinity });
    const endSoon = AbortSignal.abort(new Error('the reaper was asked to shut down'));
    const reaping = reapClaim(await connectEngine(proxy.address), claim, { endSoon });
    await proxy.until('DELETE /volumes/*');
    created.resolve(await create());
    const report = await reaping;
    expect(removal.hits()).toBe(1);
    expect(report.removed.volume).toBe(1);
    expect(report.cutShort).toBe('the reaper was asked to shut down; resources left: 1');
  });
});
