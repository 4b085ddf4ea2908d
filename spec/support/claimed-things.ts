import type Docker from 'dockerode';
import { creationLabels, labelNames } from '../../lib/core/labels';
import type { RemovableKind } from '../../lib/core/kinds';
import { checkClaim, type Claim } from '../../lib/reaper/leases/claim';
import { commitOwned } from './owned-things';
import { sleeper, specImage } from './spec-image';
import { docker, exists, specLabel, uniqueName } from './things';

export interface CreatedResource {
  readonly kind: RemovableKind;
  readonly id: string;
}

/** A new session for one spec: the claim on its resources, and their labels. */
export interface ClaimedSession {
  readonly claim: Claim;
  readonly labels: Readonly<Record<string, string>>;
}

export function newSession(): ClaimedSession {
  return claimOn({ [labelNames.session]: uniqueName() });
}

/** Creates the claim on `labels`. */
export function claimOn(labels: Readonly<Record<string, string>>): ClaimedSession {
  const check = checkClaim(Object.entries(labels).map(([key, value]) => `${key}=${value}`));
  if ('refusal' in check) throw new Error(check.refusal);
  return { claim: check.claim, labels };
}

/** Creates a container without starting it, which is fastest to create and to remove. */
export async function createIdle(labels: Readonly<Record<string, string>>): Promise<CreatedResource> {
  const Labels = { ...specLabel, ...labels };
  const { id } = await docker.createContainer({ Image: specImage, Labels });
  return { kind: 'container', id };
}

export async function createNetworkOf(labels: Readonly<Record<string, string>>): Promise<CreatedResource> {
  const { id } = await docker.createNetwork({ Name: uniqueName(), Labels: { ...specLabel, ...labels } });
  return { kind: 'network', id };
}

export async function createVolumeOf(
  labels: Readonly<Record<string, string>>,
  name = uniqueName(),
): Promise<CreatedResource> {
  await docker.createVolume({ Name: name, Labels: { ...specLabel, ...labels } });
  return { kind: 'volume', id: name };
}

/** Creates an image with its own layer and two names, as after a build and a `docker tag`. */
export async function createImageOf(labels: Readonly<Record<string, string>>): Promise<CreatedResource> {
  const [repo, other] = [uniqueName(), uniqueName()];
  const original = await docker.createContainer({ Image: specImage, Labels: { ...specLabel, name: repo } });
  const Id = await commitOwned(docker, original.id, repo, labels);
  await original.remove();
  await docker.getImage(Id).tag({ repo: other, tag: '1' });
  return { kind: 'image', id: Id };
}

/**
 * Creates one resource of each kind; the container uses the others. `isRunning`: the container is started, so
 * that only it can be removed.
 */
export async function createFamily(
  labels: Readonly<Record<string, string>>,
  { isRunning = false }: { readonly isRunning?: boolean } = {},
): Promise<readonly CreatedResource[]> {
  const [network, volume, image] = await Promise.all([
    createNetworkOf(labels),
    createVolumeOf(labels),
    createImageOf(labels),
  ]);
  const container = await docker.createContainer({
    Image: image.id,
    Cmd: sleeper,
    Labels: { ...specLabel, ...labels, ...creationLabels('container') },
    HostConfig: { NetworkMode: network.id, Binds: [`${volume.id}:/data`] },
  });
  if (isRunning) await container.start();
  return [{ kind: 'container', id: container.id }, network, volume, image];
}

/** Filters for the resources that still exist. */
export async function stillThere(
  resources: readonly CreatedResource[],
  engine: Docker = docker,
): Promise<readonly CreatedResource[]> {
  const areLeft = await Promise.all(resources.map(({ kind, id }) => exists(kind, id, engine)));
  return resources.filter((_, index) => areLeft[index]);
}
