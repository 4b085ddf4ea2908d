import type { MountedContainer } from './anonymous-volumes';
import type { Answer, Engine } from './engine';
import { urlPart } from './url-part';

/** What castoff reads of a volume; its name is its identity. */
export interface VolumeFacts {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** RFC 3339, in whole seconds; of an old Docker, when its content has changed. @see {@link hasStableCreatedAt} */
  readonly createdAt?: string | undefined;
}

/** Creates a volume; the engine answers with the one that is there where the name is taken. @see Engine API, VolumeCreate */
export function createVolume(
  engine: Engine,
  name: string,
  labels: Readonly<Record<string, string>>,
): Promise<Answer<unknown>> {
  return engine.ask('volume.create', name, (docker) => docker.createVolume({ Name: name, Labels: labels }));
}

/** Not forced: force would make an unknown name look like a success. @see Engine API, VolumeDelete */
export function removeVolume(engine: Engine, name: string): Promise<Answer<unknown>> {
  return engine.ask('volume.remove', name, (docker) => docker.getVolume(urlPart(name)).remove());
}

export function inspectVolume(engine: Engine, name: string): Promise<Answer<VolumeFacts>> {
  return engine.ask('volume.inspect', name, async (docker) => {
    const volume = await docker.getVolume(urlPart(name)).inspect();
    return { name: volume.Name, labels: volume.Labels ?? {}, createdAt: createdAtOf(volume) };
  });
}

// dockerode's types do not know of CreatedAt.
function createdAtOf(volume: object): string | undefined {
  return 'CreatedAt' in volume && typeof volume.CreatedAt === 'string' ? volume.CreatedAt : undefined;
}

export function listVolumes(
  engine: Engine,
  labels: readonly string[],
): Promise<Answer<readonly VolumeFacts[]>> {
  return engine.ask('volume.list', labels.join(' '), async (docker) => {
    const { Volumes } = await docker.listVolumes({ filters: { label: [...labels] } });
    return (Volumes ?? []).map((volume) => ({
      name: volume.Name,
      labels: volume.Labels ?? {},
      createdAt: createdAtOf(volume),
    }));
  });
}

/** What a container mounts. @see Engine API, ContainerInspect */
export function inspectMounted(engine: Engine, id: string): Promise<Answer<MountedContainer>> {
  return engine.ask('container.inspect', id, async (docker) => docker.getContainer(urlPart(id)).inspect());
}

/** The ids of all containers that mount a volume. @see Engine API, ContainerList, filter `volume` */
export function listContainersUsingVolume(
  engine: Engine,
  volume: string,
): Promise<Answer<readonly string[]>> {
  return engine.ask('container.list', volume, async (docker) => {
    const containers = await docker.listContainers({ all: true, filters: { volume: [volume] } });
    return containers.map(({ Id }) => Id);
  });
}
