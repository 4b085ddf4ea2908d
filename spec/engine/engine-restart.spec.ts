import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import Docker from 'dockerode';
import { cleanupContainer, cleanupNetwork, cleanupVolume } from '../../lib/index';
import { openFaultProxy, type FaultProxy } from '../support/fault-proxy';
import { openPrivateEngine, type PrivateEngine } from '../support/private-engine';
import { createRunningContainer, createThing } from '../support/things';

let engine: PrivateEngine;
let docker: Docker;
beforeAll(async () => {
  engine = await openPrivateEngine();
  docker = new Docker({ socketPath: engine.socketPath });
});
afterAll(() => engine.close());

async function whatIsThere(): Promise<readonly string[]> {
  const [containers, networks, { Volumes }] = await Promise.all([
    docker.listContainers({ all: true }),
    docker.listNetworks({ filters: { type: ['custom'] } }),
    docker.listVolumes(),
  ]);
  return [
    ...containers.map(({ Id }) => Id),
    ...networks.map(({ Id }) => Id),
    ...(Volumes ?? []).map(({ Name }) => Name),
  ];
}

/** Those that dockerd has on disk, whether it runs or not. */
function onDisk(containers: readonly string[]): readonly string[] {
  return containers.filter((id) => existsSync(join(engine.dataRoot, 'containers', id)));
}

/** Makes 20 containers, and some networks and volumes, and says how to clean each of them up. */
async function makeMany(address: string) {
  const times = <T>(count: number, make: () => Promise<T>): Promise<T[]> =>
    Promise.all(Array.from({ length: count }, make));
  const containers = await times(20, () => createRunningContainer({}, docker));
  const networks = await times(3, () => createThing('network', docker));
  const volumes = await times(3, () => createThing('volume', docker));
  const options = { engine: address, timeoutMs: 40_000 };
  const cleanups = [
    ...containers.map((id) => () => cleanupContainer(id, options)),
    ...networks.map((id) => () => cleanupNetwork(id, options)),
    ...volumes.map((name) => () => cleanupVolume(name, options)),
  ];
  return { containers, cleanups };
}

const moments: readonly [string, (proxy: FaultProxy) => Promise<unknown>][] = [
  [
    'when all have been asked for',
    async (proxy) => {
      const removals = (): number => proxy.calls.filter(({ method }) => method === 'DELETE').length;
      await proxy.until(() => removals() >= 20, 20_000);
    },
  ],
  [
    'when the first has been answered, and half are still to be asked for',
    async (proxy) => {
      proxy.inject({
        on: 'DELETE **',
        fault: (_asked, nth) => (nth % 2 === 0 ? { type: 'delay', ms: 3_000 } : undefined),
        times: Infinity,
      });
      await proxy.until(({ method, ended }) => method === 'DELETE' && ended === 'answered', 20_000);
    },
  ],
];

describe('an engine that is killed in the middle of 20 removals', () => {
  it.each(moments)('and comes back lets all of them end well: %s', async (_when, moment) => {
    await using proxy = await openFaultProxy({ upstream: engine.socketPath });
    const { containers, cleanups } = await makeMany(proxy.address);
    expect(onDisk(containers)).toHaveLength(20);
    const killed = moment(proxy).then(() => engine.kill());
    const ends = Promise.allSettled(cleanups.map((clean) => clean()));
    await killed;
    expect(onDisk(containers)).not.toHaveLength(0);
    await engine.start();

    for (const end of await ends) expect(end).toMatchObject({ status: 'fulfilled' });
    expect(await whatIsThere()).toEqual([]);
  });
});
