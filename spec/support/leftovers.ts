import type Docker from 'dockerode';
import { labelNames } from '../../lib/core/labels';
import { docker, specLabel } from './things';

const mine = { label: Object.entries(specLabel).map(([name, value]) => `${name}=${value}`) };

/** Removes what the specs of this process have left on `engine`: something only where one of them broke, or left a bystander. */
export async function removeLeftovers(engine: Docker = docker): Promise<void> {
  const containers = await engine.listContainers({ all: true, filters: mine });
  await Promise.all(containers.map(({ Id }) => removeContainer(engine.getContainer(Id))));
  const networks = await engine.listNetworks({ filters: mine });
  await Promise.all(networks.map(({ Id }) => removeUnlessGone(engine.getNetwork(Id))));
  const { Volumes } = await engine.listVolumes({ filters: mine });
  await Promise.all((Volumes ?? []).map(({ Name }) => removeUnlessGone(engine.getVolume(Name))));
  await removeImages(engine);
}

/** Removes a container; resolves when it is gone, also if a reaper removes it at the same time. */
export async function removeContainer(container: Docker.Container): Promise<void> {
  try {
    await container.remove({ force: true, v: true });
  } catch (error) {
    // 409: its removal is already in progress.
    if (statusOf(error) === 409) await container.wait({ condition: 'removed' }).catch(ignoreGone);
    else ignoreGone(error);
  }
}

/** Removes a network or a volume; a reaper may remove it first. */
export async function removeUnlessGone(resource: { remove(): Promise<unknown> }): Promise<void> {
  await resource.remove().catch(ignoreGone);
}

function ignoreGone(error: unknown): void {
  if (statusOf(error) !== 404) throw error;
}

const statusOf = (error: unknown): number | undefined =>
  (error as { readonly statusCode?: number }).statusCode;

/** Removes the markers of what this process has adopted: they stay where the adopted resource could not be removed. */
export async function removeMarkers(engine: Docker = docker): Promise<void> {
  const filters = { label: [labelNames.adopts, `${labelNames.pid}=${process.pid}`] };
  const { Volumes } = await engine.listVolumes({ filters });
  for (const { Name } of Volumes ?? []) await engine.getVolume(Name).remove();
}

/** An image can be removed after those built on it, and no listing tells that order. */
async function removeImages(engine: Docker): Promise<void> {
  let before = Number.POSITIVE_INFINITY;
  for (;;) {
    const images = await engine.listImages({ filters: mine });
    if (images.length === 0) return;
    const removals: PromiseSettledResult<unknown>[] = [];
    for (const { Id } of images)
      removals.push(...(await Promise.allSettled([engine.getImage(Id).remove({ force: true })])));
    const failure = removals.find((removal) => removal.status === 'rejected');
    if (failure !== undefined && images.length >= before) throw failure.reason;
    before = images.length;
  }
}
