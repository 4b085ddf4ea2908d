import { specImage } from './spec-image';
import { docker, exists, specLabel, uniqueName } from './things';
import type { RemovableKind } from '../../lib/core/kinds';

/** Resources of others, with labels that resemble those of a session. */
export interface AlmostOwn {
  /** Descriptions of those that were removed. */
  missing(): Promise<readonly string[]>;
  remove(): Promise<void>;
}

/** Creates a container and a volume that resemble those of `session`. */
export async function makeAlmostOwn(session: string): Promise<AlmostOwn> {
  const Labels = almost({ 'castoff.session': session });
  const volume = uniqueName();
  const [container] = await Promise.all([
    docker.createContainer({ Image: specImage, Labels }),
    docker.createVolume({ Name: volume, Labels }),
  ]);
  return owned([
    ['container', container.id],
    ['volume', volume],
  ]);
}

/**
 * Creates one resource of each kind, with labels similar to `labels`. The network is unused, so that it could
 * be removed.
 */
export async function makeAlmostAll(labels: Readonly<Record<string, string>>): Promise<AlmostOwn> {
  const Labels = almost(labels);
  const [network, volume, image] = [uniqueName(), uniqueName(), `${uniqueName()}:1`];
  await docker.createNetwork({ Name: network, Labels });
  await docker.createVolume({ Name: volume, Labels });
  const HostConfig = { NetworkMode: network, Binds: [`${volume}:/data`] };
  const container = await docker.createContainer({ Image: specImage, Labels, HostConfig });
  const [repo, tag] = image.split(':');
  await container.commit({ repo, tag });
  return owned([
    ['container', container.id],
    ['image', image],
    ['network', network],
    ['volume', volume],
  ]);
}

/** For each label: a longer value, and the value under a longer key, an upper-case key and another key. */
function almost(labels: Readonly<Record<string, string>>): Record<string, string> {
  const near = Object.entries(labels).flatMap(([key, value]) => [
    [key, `${value}0`],
    [`${key}s`, value],
    [key.toUpperCase(), value],
    [`not.${key}`, `${key}=${value}`],
  ]);
  return { ...(Object.fromEntries(near) as Record<string, string>), ...specLabel };
}

function owned(resources: readonly (readonly [RemovableKind, string])[]): AlmostOwn {
  return {
    async missing() {
      const areLeft = await Promise.all(resources.map(([kind, id]) => exists(kind, id)));
      return resources
        .filter((_, index) => !areLeft[index])
        .map(([kind, id]) => `bystander ${kind} ${id} was removed`);
    },
    async remove() {
      for (const [kind, id] of resources) {
        const remove = {
          container: () => docker.getContainer(id).remove({ force: true, v: true }),
          network: () => docker.getNetwork(id).remove(),
          volume: () => docker.getVolume(id).remove(),
          image: () => docker.getImage(id).remove(),
        };
        if (await exists(kind, id)) await remove[kind]();
      }
    },
  };
}
