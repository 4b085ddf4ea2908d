import { expect } from '@jest/globals';
import type Docker from 'dockerode';
import { ownershipLabels } from '../../lib/core/labels';
import type { RemovableKind } from '../../lib/core/kinds';
import { archiveOf, inMemory } from '../../lib/lease/archive';
import { readOwner } from '../../lib/processes/owner';
import { sleeper, specImage } from './spec-image';
import { exists, uniqueName } from './things';
import { until } from './until';
import { zooFolder, type Owned } from './zoo-owner';

/** Resources of strangers that resemble a session's as closely as possible. */
export interface Zoo {
  /** Descriptions of the resources that were removed or changed. */
  harmed(): Promise<readonly string[]>;
}

interface Animal {
  readonly what: string;
  readonly kind: RemovableKind;
  /** The id, or the name of a volume. */
  readonly id: string;
  readonly identity: string;
}

/** A session's resources that the zoo imitates. */
export type Neighbours = Pick<Owned, 'container'> & Partial<Owned>;

/**
 * Creates strangers' resources next to those of one session, on an engine that is a swarm manager. They are
 * removed with the engine. Only the service's task runs, because a stopped container is the easiest to
 * remove.
 */
export async function openZoo(docker: Docker, owned: Neighbours): Promise<Zoo> {
  const prefix = uniqueName();
  const animals: Animal[] = [];
  const add = async (what: string, kind: RemovableKind, id: string): Promise<string> => {
    animals.push({ what, kind, id, identity: await identityOf(docker, kind, id) });
    return id;
  };
  const create = async (what: string, options: Docker.ContainerCreateOptions): Promise<string> => {
    const container = await docker.createContainer({ Image: specImage, Cmd: sleeper, ...options });
    return add(what, 'container', container.id);
  };

  await addLookAlikes();
  await addHeirs();
  await addSuccessors();
  await addProject();
  await addService();
  return {
    async harmed() {
      const now = await Promise.all(animals.map(({ kind, id }) => identityOf(docker, kind, id)));
      return animals.filter(({ identity }, index) => now[index] !== identity).map(({ what }) => what);
    },
  };

  /**
   * Resources with the labels of another session of this live process, and the session's values under other
   * keys.
   */
  async function addLookAlikes(): Promise<void> {
    const { Config } = await docker.getContainer(owned.container).inspect();
    const living = ownershipLabels({
      session: `${owned.session}0`,
      owner: readOwner(),
      createdAt: new Date(),
    });
    const near = {
      ...Object.fromEntries(
        Object.entries(Config.Labels).flatMap(([key, value]) => [
          [key, key.endsWith('session-id') ? `${value}0` : value],
          [`${key}s`, value],
          [key.toUpperCase(), value],
        ]),
      ),
      ...living,
    };
    await docker.createVolume({ Name: `${prefix}-near`, Labels: near });
    await add('a volume with nearly our labels', 'volume', `${prefix}-near`);
    const network = await docker.createNetwork({ Name: `${owned.network ?? prefix}0`, Labels: near });
    await add('a network with nearly our labels and name', 'network', network.id);
    await create('a container with nearly our labels', {
      name: `${prefix}-near`,
      Labels: near,
      HostConfig: { NetworkMode: network.id, Binds: [`${prefix}-near:/data`] },
    });
  }

  /**
   * Resources that inherit our labels: snapshots of our container, images built on ours, and their containers
   * and volumes.
   */
  async function addHeirs(): Promise<void> {
    const snapshot = `${prefix}-snapshot:latest`;
    await docker.getContainer(owned.container).commit({ repo: `${prefix}-snapshot`, tag: 'latest' });
    await add('a snapshot of our container', 'image', snapshot);
    const child = `${prefix}-child:latest`;
    const dockerfile = `FROM ${owned.image ?? snapshot}\nLABEL zoo=child\n`;
    const archive = archiveOf([inMemory('/Dockerfile', Buffer.from(dockerfile))]);
    const output = await docker.buildImage(archive, { t: child });
    await new Promise((resolve, reject) =>
      docker.modem.followProgress(output, (error, result) => (error ? reject(error) : resolve(result))),
    );
    await add('an image built on ours', 'image', child);
    for (const [what, Image] of [
      ['a container of a snapshot of ours', snapshot],
      ['a container of an image built on ours', child],
    ] as const) {
      const id = await create(what, { Image, Volumes: { '/own': {} }, HostConfig: { NetworkMode: 'none' } });
      const { Mounts } = await docker.getContainer(id).inspect();
      await add(`the volume of ${what}`, 'volume', Mounts[0]?.Name ?? '');
    }
  }

  /** Strangers' resources under names that we used. */
  async function addSuccessors(): Promise<void> {
    if (owned.volume === undefined) return;
    await docker.getVolume(owned.volume).remove();
    await docker.createVolume({ Name: owned.volume, Labels: { zoo: 'successor' } });
    await add('a volume under the name of one that we adopted', 'volume', owned.volume);
  }

  async function addProject(): Promise<void> {
    const name = `${owned.project ?? prefix}-too`;
    const labels = (own: Record<string, string>) => ({ 'com.docker.compose.project': name, ...own });
    const network = await docker.createNetwork({
      Name: `${name}_default`,
      Labels: labels({ 'com.docker.compose.network': 'default' }),
    });
    await add('a network of a project with nearly our name', 'network', network.id);
    const volume = `${name}_data`;
    await docker.createVolume({ Name: volume, Labels: labels({ 'com.docker.compose.volume': 'data' }) });
    await add('a volume of that project', 'volume', volume);
    await create('a container of that project', {
      name: `${name}_web_1`,
      Labels: labels({
        'com.docker.compose.container-number': '1',
        'com.docker.compose.oneoff': 'False',
        'com.docker.compose.project.working_dir': zooFolder,
        'com.docker.compose.service': 'web',
      }),
      HostConfig: { NetworkMode: network.id, Binds: [`${volume}:/data`] },
    });
  }

  /** A service whose tasks inherit our labels from a snapshot of ours. */
  async function addService(): Promise<void> {
    const name = `${prefix}-service`;
    const ContainerSpec = { Image: `${prefix}-snapshot:latest`, Command: sleeper };
    await docker.createService({ Name: name, TaskTemplate: { ContainerSpec } });
    const filters = { label: [`com.docker.swarm.service.name=${name}`] };
    const listTasks = () => docker.listContainers({ filters });
    expect(await until(async () => (await listTasks()).length === 1)).toBe(true);
    const [task] = await listTasks();
    await add('the task of a service that runs a snapshot of ours', 'container', task?.Id ?? '');
  }
}

/** Empty if the resource no longer exists. A volume has no id: its labels and creation time identify it. */
async function identityOf(docker: Docker, kind: RemovableKind, id: string): Promise<string> {
  if (!(await exists(kind, id, docker))) return '';
  switch (kind) {
    case 'container': {
      const { Id, State } = await docker.getContainer(id).inspect();
      return `${Id} ${State.Status}`;
    }
    case 'network': {
      const { Id } = await docker.getNetwork(id).inspect();
      return Id;
    }
    case 'volume': {
      const volume: Docker.VolumeInspectInfo & { CreatedAt?: string } = await docker.getVolume(id).inspect();
      return `${volume.Name} ${volume.CreatedAt} ${JSON.stringify(volume.Labels)}`;
    }
    case 'image': {
      const { Id, RepoTags } = await docker.getImage(id).inspect();
      return `${Id} ${RepoTags.join(' ')}`;
    }
  }
}
