import { afterAll, describe, expect, it } from '@jest/globals';
import { cleanupNetwork, isCastoffError } from '../../lib/index';
import { openFaultProxy } from '../support/fault-proxy';
import { removeLeftovers } from '../support/leftovers';
import {
  createRunningContainer,
  createThing,
  docker,
  exists,
  specLabel,
  uniqueName,
} from '../support/things';

afterAll(() => removeLeftovers());

async function createOn(network: string): Promise<string> {
  return createRunningContainer({ HostConfig: { NetworkMode: network } });
}

async function networksOf(containerId: string): Promise<readonly string[]> {
  const { State, NetworkSettings } = await docker.getContainer(containerId).inspect();
  expect(State.Running).toBe(true);
  return Object.values(NetworkSettings.Networks).map(({ NetworkID }) => NetworkID);
}

describe('cleanupNetwork', () => {
  it.each(['its id', 'its short id', 'its name'])('finds a network by %s', async (what) => {
    const name = uniqueName();
    const { id } = await docker.createNetwork({ Name: name, Labels: specLabel });
    const ref = { 'its id': id, 'its short id': id.slice(0, 12), 'its name': name }[what];
    expect(await cleanupNetwork(ref)).toMatchObject({ kind: 'network', id, outcome: 'removed', attempts: 1 });
    expect(await exists('network', id)).toBe(false);
  });

  it('reports a missing network as already gone', async () => {
    const id = await createThing('network');
    await docker.getNetwork(id).remove();
    expect(await cleanupNetwork(id)).toMatchObject({ id, outcome: 'already-gone' });
    expect(await cleanupNetwork(uniqueName())).toMatchObject({ outcome: 'already-gone', attempts: 0 });
  });

  it('disconnects running containers from a network, and leaves them running', async () => {
    const id = await createThing('network');
    const containers = await Promise.all([createOn(id), createOn(id)]);
    for (const container of containers) expect(await networksOf(container)).toEqual([id]);
    expect(await cleanupNetwork(id)).toMatchObject({ outcome: 'removed' });
    expect(await exists('network', id)).toBe(false);
    for (const container of containers) expect(await networksOf(container)).toEqual([]);
  });

  it('disconnects containers that connect during the cleanup of their network', async () => {
    await using proxy = await openFaultProxy();
    const id = await createThing('network');
    const first = await createOn(id);
    const second = await createRunningContainer({ HostConfig: { NetworkMode: 'bridge' } });
    const held = proxy.hold(`POST /networks/${id}/disconnect`);
    const cleanup = cleanupNetwork(id, { engine: proxy.address });
    await held.arrived();
    await docker.getNetwork(id).connect({ Container: second });
    held.release();
    expect(await cleanup).toMatchObject({ outcome: 'removed' });
    expect(await networksOf(first)).toEqual([]);
    expect(await networksOf(second)).not.toContain(id);
  });

  it('fails at once for the networks that belong to the engine, with its message', async () => {
    const listed = (await docker.listNetworks()).map(({ Name }) => Name);
    // Podman has only its default network, under the name that Docker gives it.
    const names = ['bridge', 'host', 'none'].filter((name) => listed.includes(name));
    expect(names).toContain('bridge');
    for (const name of names) {
      const error: unknown = await cleanupNetwork(name).catch((reason: unknown) => reason);
      expect(isCastoffError(error, 'CLEANUP_FAILED')).toBe(true);
      expect(error).toMatchObject({
        message: expect.stringMatching(
          /^remove network .*: (403 .* pre-defined network|500 default network \S+ cannot be removed).* \(1 attempt in \d+ ms\)/,
        ),
        evidence: { attempts: 1 },
        cause: { code: 'ENGINE_REFUSED' },
      });
      expect(await exists('network', name)).toBe(true);
    }
  });

  it('refuses a name that two networks share, which only older engines allow', async () => {
    const name = uniqueName();
    const create = async () => (await docker.createNetwork({ Name: name, Labels: specLabel })).id;
    const first = await create();
    const [second] = await Promise.allSettled([create()]);
    if (second.status === 'rejected') {
      expect(second.reason).toMatchObject({ statusCode: 409 });
      return;
    }
    const ids = [first, second.value];
    await expect(cleanupNetwork(name)).rejects.toMatchObject({
      code: 'CLEANUP_FAILED',
      message: expect.stringContaining('ambiguous'),
    });
    for (const id of ids) expect(await exists('network', id)).toBe(true);
  });
});
