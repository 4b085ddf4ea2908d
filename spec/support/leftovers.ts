import type Docker from 'dockerode';
import { docker, specLabel } from './things';

const mine = { label: Object.entries(specLabel).map(([name, value]) => `${name}=${value}`) };

/** Removes what the specs of this process have left on `engine`: something only where one of them broke, or left a bystander. */
export async function removeLeftovers(engine: Docker = docker): Promise<void> {
  const containers = await engine.listContainers({ all: true, filters: mine });
  await Promise.all(containers.map(({ Id }) => engine.getContainer(Id).remove({ force: true, v: true })));
  const networks = await engine.listNetworks({ filters: mine });
  await Promise.all(networks.map(({ Id }) => engine.getNetwork(Id).remove()));
  const { Volumes } = await engine.listVolumes({ filters: mine });
  await Promise.all((Volumes ?? []).map(({ Name }) => engine.getVolume(Name).remove()));
  for (const { Id } of await engine.listImages({ filters: mine }))
    await engine.getImage(Id).remove({ force: true });
}
