import type { Labels } from '../core/labels';
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

/** How a volume is created. Default: the engine's driver, without options. */
export interface VolumeDriver {
  readonly driver?: string | undefined;
  readonly driverOptions?: Readonly<Record<string, string>> | undefined;
}

/**
 * Creates a volume. If the name is taken, the engine returns the existing one, with its own labels; it refuses
 * when that has another driver.
 *
 * @see Engine API, VolumeCreate
 */
export function createVolume(
  engine: Engine,
  name: string,
  labels: Labels,
  { driver, driverOptions }: VolumeDriver = {},
): Promise<Answer<unknown>> {
  const options = { Name: name, Labels: { ...labels }, Driver: driver, DriverOpts: { ...driverOptions } };
  return engine.ask('volume.create', name, (docker) => docker.createVolume(options));
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
    return factsOfVolume(await docker.getVolume(urlPart(name)).inspect());
  });
}

/** Docker's answer for a volume whose data folder is missing. */
const noCreationTime = '0001-01-01T00:00:00Z';

/** A volume in a response of the engine; dockerode's types lack `CreatedAt`. */
interface VolumeResponse {
  readonly Name: string;
  readonly Labels?: Labels | null;
  readonly CreatedAt?: unknown;
}

/** Returns the fields that castoff reads from a volume in a response of the engine. */
export function factsOfVolume({ Name: name, Labels, CreatedAt }: VolumeResponse): VolumeFacts {
  const isKnown = typeof CreatedAt === 'string' && CreatedAt !== noCreationTime;
  return { name, labels: Labels ?? {}, createdAt: isKnown ? CreatedAt : undefined };
}

/** Inspects the mounts of a container. @see Engine API, ContainerInspect */
export function inspectMounted(engine: Engine, id: string): Promise<Answer<MountedContainer>> {
  return engine.ask('container.inspect', id, async (docker) => docker.getContainer(urlPart(id)).inspect());
}
