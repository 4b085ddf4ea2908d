import type { MountedContainer } from './anonymous-volumes';
import type { Answer, Engine } from './engine';
import type { ListedTarget } from './list-targets';
import { urlPart } from './url-part';

/** The fields that castoff reads from a volume. */
export interface VolumeFacts extends Pick<ListedTarget, 'name' | 'labels'> {
  /**
   * RFC 3339, in whole seconds. Old versions of Docker report the last change of its content.
   * `undefined` when the volume has no data folder: an engine that was killed has half removed it.
   *
   * @see {@link hasStableCreatedAt}
   */
  readonly createdAt?: string | undefined;
}

/**
 * Creates a volume; if the name is taken, the engine returns the existing one.
 *
 * @see Engine API, VolumeCreate
 */
export function createVolume(
  engine: Engine,
  name: string,
  labels: Readonly<Record<string, string>>,
): Promise<Answer<unknown>> {
  return engine.ask('volume.create', name, (docker) => docker.createVolume({ Name: name, Labels: labels }));
}

/**
 * Removes a volume. Not forced: with force, removing an unknown name succeeds.
 *
 * @see Engine API, VolumeDelete
 */
export function removeVolume(engine: Engine, name: string): Promise<Answer<unknown>> {
  return engine.ask('volume.remove', name, (docker) => docker.getVolume(urlPart(name)).remove());
}

/** Inspects a volume. @see Engine API, VolumeInspect */
export function inspectVolume(engine: Engine, name: string): Promise<Answer<VolumeFacts>> {
  return engine.ask('volume.inspect', name, async (docker) => {
    const volume = await docker.getVolume(urlPart(name)).inspect();
    return { name: volume.Name, labels: volume.Labels ?? {}, createdAt: createdAtOf(volume) };
  });
}

/** Docker's answer for a volume whose data folder is missing. */
const noCreationTime = '0001-01-01T00:00:00Z';

// Not in dockerode's types.
function createdAtOf(volume: object): string | undefined {
  const createdAt: unknown = 'CreatedAt' in volume ? volume.CreatedAt : undefined;
  return typeof createdAt === 'string' && createdAt !== noCreationTime ? createdAt : undefined;
}

/** Lists volumes that have all of `labels` (`key` or `key=value`). @see Engine API, VolumeList */
export function listVolumes(
  engine: Engine,
  labels: readonly string[],
): Promise<Answer<readonly ListedTarget[]>> {
  return engine.ask('volume.list', labels.join(' '), async (docker) => {
    const { Volumes } = await docker.listVolumes({ filters: { label: [...labels] } });
    return (Volumes ?? []).map((volume) => {
      const createdAt = createdAtOf(volume);
      return {
        kind: 'volume',
        id: volume.Name,
        name: volume.Name,
        labels: volume.Labels ?? {},
        createdAt,
        createdAtMs: createdAt === undefined ? undefined : Date.parse(createdAt),
      };
    });
  });
}

/** Inspects the mounts of a container. @see Engine API, ContainerInspect */
export function inspectMounted(engine: Engine, id: string): Promise<Answer<MountedContainer>> {
  return engine.ask('container.inspect', id, async (docker) => docker.getContainer(urlPart(id)).inspect());
}

/** Lists the ids of all containers that mount a volume. @see Engine API, ContainerList, filter `volume` */
export function listContainersUsingVolume(
  engine: Engine,
  volume: string,
): Promise<Answer<readonly string[]>> {
  return engine.ask('container.list', volume, async (docker) => {
    const containers = await docker.listContainers({ all: true, filters: { volume: [volume] } });
    return containers.map(({ Id }) => Id);
  });
}
