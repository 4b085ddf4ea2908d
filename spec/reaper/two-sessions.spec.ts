import { describe, expect, it } from '@jest/globals';
import { openSession } from '../../lib/index';
import { claimLabels, releaseLabels } from '../../lib/registry/claims';
import { startChild, type Child, type ChildPlan } from '../support/kill-round-child';
import { describeItem, pickOwn, takeStock } from '../support/kill-round-stock';
import { docker, exists, removeByHand, uniqueName } from '../support/things';
import { until } from '../support/until';

const plan: ChildPlan = {
  reaper: 'process',
  things: ['raw', 'created', 'volume'],
  atOnce: 3,
  end: 'close on SIGTERM',
};

describe('two programs that share a host process', () => {
  it('when one of two programs at a host process is killed, only its resources are removed', async () => {
    await using first = await startChild(plan);
    await first.reached('done');
    await using second = await startChild(plan, { folder: first.traces.folder });
    await second.reached('done');
    const seconds = await own(second);
    expect(await own(first)).toHaveLength(5);
    expect(seconds).toHaveLength(5);
    expect(await reapers(first)).toHaveLength(1);

    first.signal('SIGKILL');
    expect(await until(async () => (await own(first)).length === 0)).toBe(true);
    expect(await own(second)).toEqual(seconds);

    second.signal('SIGTERM');
    expect(await second.ended).toMatchObject({ code: 0 });
    expect(await own(second)).toEqual([]);
    // The host process exits 2 s after its last client.
    expect(await until(async () => (await reapers(first)).length === 0)).toBe(true);
  });
});

describe('two sessions of a process', () => {
  it('two sessions share a lease, and the last one to close removes the resources without a scope', async () => {
    const [first, second] = await Promise.all([
      openSession({ reaper: 'container' }),
      openSession({ reaper: 'container' }),
    ]);
    const volume = uniqueName();
    try {
      expect(second.reaper).toBe(first.reaper);
      expect(await reaperContainers(first.id)).toHaveLength(1);
      await docker.createVolume({ Name: volume, Labels: second.labels });

      await first.close();
      expect(await reaperContainers(first.id)).toHaveLength(1);
      expect(await exists('volume', volume)).toBe(true);
    } finally {
      await second.close();
    }
    expect(await exists('volume', volume)).toBe(false);
    expect(await until(async () => (await reaperContainers(first.id)).length === 0, 20_000, 50)).toBe(true);
  });
});

describe('a session that is opened after a claim', () => {
  it('the lease of a new session includes the earlier claims of its process', async () => {
    const volume = uniqueName();
    const label = `castoff-spec.claim=${volume}`;
    await claimLabels([label]);
    await docker.createVolume({ Name: volume, Labels: { 'castoff-spec.claim': volume } });
    try {
      const session = await openSession({ reaper: 'container' });
      await session.close();
      expect(await exists('volume', volume)).toBe(false);
    } finally {
      await releaseLabels([label]);
      if (await exists('volume', volume)) await removeByHand('volume', volume);
    }
  });
});

/** The resources of the child on the engine. */
async function own({ traces }: Child): Promise<readonly string[]> {
  const stock = pickOwn(await takeStock([]), traces);
  return stock.map((one) => `${describeItem(one)} ${one.state ?? ''}`).toSorted();
}

/** The host processes in the child's folder. */
async function reapers({ traces }: Child): Promise<readonly string[]> {
  const stock = await takeStock([traces.folder]);
  const processes = stock.filter(({ kind }) => kind === 'process').map(describeItem);
  return processes.filter((one) => one.includes('reaper-server.js'));
}

async function reaperContainers(session: string): Promise<readonly string[]> {
  const filters = { label: [`castoff.session=${session}`, 'castoff.reaper=true'] };
  return (await docker.listContainers({ all: true, filters })).map(({ Id }) => Id);
}
