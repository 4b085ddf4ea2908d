import type Docker from 'dockerode';
import { creationLabels, labelNames } from '../../lib/core/labels';
import { archiveOf, inMemory } from '../../lib/lease/archive';
import { nonceOfBuild } from '../../lib/resources/ownership';
import type { CreatedResource } from './claimed-things';
import { commitOwned, createLabelled } from './owned-things';
import { specImage } from './spec-image';
import { specLabel, uniqueName } from './things';

type Labels = Readonly<Record<string, string>>;

/** What a session has built, and what others made of its resources, with all of its labels. */
export interface Inheriting {
  /** The name of the session's own image. */
  readonly base: string;
  /** A snapshot of its container, a container of the snapshot with a volume, images built on the snapshot and on its image. */
  readonly strangers: readonly CreatedResource[];
}

export async function createInheriting(docker: Docker, owner: Labels): Promise<Inheriting> {
  const labelled = await createLabelled(docker, { ...owner, ...creationLabels('container') });
  const snapshot = uniqueName();
  const { Id }: { Id: string } = await docker.getContainer(labelled).commit({ repo: snapshot, tag: '1' });
  const copy = await docker.createContainer({ Image: Id, Volumes: { '/data': {} } });
  const { Mounts } = await copy.inspect();
  await docker.getContainer(labelled).remove();
  const base = uniqueName();
  const labels = { ...owner, ...creationLabels('image') };
  const nonce = nonceOfBuild(labels[labelNames.nonce] ?? '', Object.keys(labels));
  await build(docker, base, specImage, { ...labels, [labelNames.nonce]: nonce });
  return {
    base,
    strangers: [
      { kind: 'image', id: Id },
      { kind: 'container', id: copy.id },
      { kind: 'volume', id: Mounts[0]?.Name ?? '' },
      await build(docker, uniqueName(), base, {}),
      await build(docker, uniqueName(), `${snapshot}:1`, specLabel),
    ],
  };
}

/** By the engine's own builder. */
async function build(docker: Docker, name: string, from: string, labels: Labels): Promise<CreatedResource> {
  const dockerfile = Buffer.from(`FROM ${from}\nENV BUILT=${name}\n`);
  const context = archiveOf([inMemory('/Dockerfile', dockerfile)]);
  const output = await docker.buildImage(context, { t: name, labels, nocache: true });
  await new Promise((resolve) => docker.modem.followProgress(output, resolve));
  const { Id: id } = await docker.getImage(name).inspect();
  return { kind: 'image', id };
}

/** One resource of each kind that the owner has created. */
export async function createOwned(docker: Docker, owner: Labels): Promise<readonly CreatedResource[]> {
  const container = await createLabelled(docker, { ...owner, ...creationLabels('container') });
  const { id: network } = await docker.createNetwork({
    Name: uniqueName(),
    Labels: { ...owner, ...creationLabels('network') },
  });
  const volume = uniqueName();
  await docker.createVolume({ Name: volume, Labels: { ...owner, ...creationLabels('volume') } });
  const image = await commitOwned(docker, container, uniqueName(), owner);
  return [
    { kind: 'container', id: container },
    { kind: 'network', id: network },
    { kind: 'volume', id: volume },
    { kind: 'image', id: image },
  ];
}
