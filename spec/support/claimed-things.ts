import type Docker from 'dockerode';
import { creationLabels, labelNames } from '../../lib/core/labels';
import type { RemovableKind } from '../../lib/engine/removable-kind';
import { checkClaim, type Claim } from '../../lib/reaper/leases/claim';
import { commitOwned } from './owned-things';
import { sleeper, specImage } from './spec-image';
import { docker, exists, specLabel, uniqueName } from './things';

export interface MadeThing {
  readonly kind: RemovableKind;
  readonly id: string;
}

/** A session of its own for one spec: the claim on its things, and their labels. */
export interface ClaimedSession {
  readonly claim: Claim;
  readonly labels: Readonly<Record<string, string>>;
}

export function newSession(): ClaimedSession {
  return claimOn({ [labelNames.session]: uniqueName() });
}

/** The claim on what carries all of `labels`. */
export function claimOn(labels: Readonly<Record<string, string>>): ClaimedSession {
  const check = checkClaim(Object.entries(labels).map(([key, value]) => `${key}=${value}`));
  if ('refusal' in check) throw new Error(check.refusal);
  return { claim: check.claim, labels };
}

/** A container that was never started: the quickest thing to make, and to remove. */
export async function createIdle(labels: Readonly<Record<string, string>>): Promise<MadeThing> {
  const Labels = { ...specLabel, ...labels };
  const { id } = await docker.createContainer({ Image: specImage, Labels });
  return { kind: 'container', id };
}

export async function createNetworkOf(labels: Readonly<Record<string, string>>): Promise<MadeThing> {
  const { id } = await docker.createNetwork({ Name: uniqueName(), Labels: { ...specLabel, ...labels } });
  return { kind: 'network', id };
}

export async function createVolumeOf(
  labels: Readonly<Record<string, string>>,
  name = uniqueName(),
): Promise<MadeThing> {
  await docker.createVolume({ Name: name, Labels: { ...specLabel, ...labels } });
  return { kind: 'volume', id: name };
}

/** An image with a layer of its own and two names, as a build and a `docker tag` leave it. */
export async function createImageOf(labels: Readonly<Record<string, string>>): Promise<MadeThing> {
  const [repo, other] = [uniqueName(), uniqueName()];
  const original = await docker.createContainer({ Image: specImage, Labels: { ...specLabel, name: repo } });
  const Id = await commitOwned(docker, original.id, repo, labels);
  await original.remove();
  await docker.getImage(Id).tag({ repo: other, tag: '1' });
  return { kind: 'image', id: Id };
}

/**
 * One of each kind, volume and image in use by the container. `isRunning`: it is started and uses the network too, so that none but
 * the container can go while it runs.
 */
export async function createFamily(
  labels: Readonly<Record<string, string>>,
  { isRunning = false }: { readonly isRunning?: boolean } = {},
): Promise<readonly MadeThing[]> {
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

/** Those that the engine still knows. */
export async function stillThere(
  things: readonly MadeThing[],
  engine: Docker = docker,
): Promise<readonly MadeThing[]> {
  const isThere = await Promise.all(things.map(({ kind, id }) => exists(kind, id, engine)));
  return things.filter((_, index) => isThere[index]);
}
