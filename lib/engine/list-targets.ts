import type { Labels } from '../core/labels';
import type Dockerode from 'dockerode';
import { carriesLabels } from './carries-labels';
import { valueOf, type Answer, type Engine } from './engine';
import { removableKinds, type RemovableKind } from '../core/kinds';
import type { EngineResource } from './identity';
import { factsOfVolume } from './volume-calls';

/** A resource in an engine's list. */
export interface ListedTarget extends EngineResource {
  readonly name: string;
  /** All names of an image. */
  readonly tags?: readonly string[] | undefined;
  readonly labels: Labels;
  /** In milliseconds since the epoch, by the engine's clock, if its list reports it. */
  readonly createdAtMs?: number | undefined;
  /** Of a volume: the creation time in the engine's own format. */
  readonly createdAt?: string | undefined;
  /** Of a container: `running`, `exited`. */
  readonly status?: string | undefined;
  /** The id of a container's image. */
  readonly imageId?: string | undefined;
}

type List = (
  docker: Dockerode,
  filters: { label: string[] },
) => Promise<readonly Omit<ListedTarget, 'kind'>[]>;

/** The name of an unnamed image in Docker's list. Inspecting that name fails with 400. */
const unnamed = '<none>:<none>';

/** @see Engine API, ContainerList, NetworkList, VolumeList, ImageList */
const lists: Readonly<Record<RemovableKind, List>> = {
  async container(docker, filters) {
    const containers = await docker.listContainers({ all: true, filters });
    return containers.map((container) => ({
      id: container.Id,
      name: (container.Names?.[0] ?? '').replace(/^\//, ''),
      labels: container.Labels ?? {},
      status: container.State,
      createdAtMs: container.Created * 1_000,
      imageId: container.ImageID,
    }));
  },
  async network(docker, filters) {
    const networks = await docker.listNetworks({ filters });
    return networks.map(({ Id: id, Name: name, Labels, Created }) => {
      return { id, name, labels: Labels ?? {}, createdAtMs: Date.parse(Created) };
    });
  },
  async volume(docker, filters) {
    const { Volumes } = await docker.listVolumes({ filters });
    return (Volumes ?? []).map((volume) => {
      const { createdAt, ...facts } = factsOfVolume(volume);
      const createdAtMs = createdAt === undefined ? undefined : Date.parse(createdAt);
      return { ...facts, id: volume.Name, createdAt, createdAtMs };
    });
  },
  async image(docker, filters) {
    const images = await docker.listImages({ filters });
    return images.map(({ Id: id, RepoTags, Labels, Created }) => {
      const tags = (RepoTags ?? []).filter((tag) => tag !== unnamed);
      return { id, name: tags[0] ?? '', tags, labels: Labels ?? {}, createdAtMs: Created * 1_000 };
    });
  },
};

/** Lists the resources of a kind, containers running or not, that have all of `labels`. */
export function listKind(
  engine: Engine,
  kind: RemovableKind,
  labels: readonly string[],
): Promise<Answer<readonly ListedTarget[]>> {
  return engine.ask(`${kind}.list`, labels.join(' '), async (docker) => {
    const listed = await lists[kind](docker, { label: [...labels] });
    return listed.map((target) => ({ kind, ...target }));
  });
}

/**
 * Lists resources of `kinds` that have all of `labels` (`key` or `key=value`), with one request for each
 * kind. The labels are checked again here: an engine that ignores the filter must not lead to the removal of
 * other resources.
 *
 * @throws EngineError when a list request fails.
 */
export async function listTargets(
  engine: Engine,
  labels: readonly string[],
  kinds: readonly RemovableKind[] = removableKinds,
): Promise<readonly ListedTarget[]> {
  const answers = await Promise.all(kinds.map((kind) => listKind(engine, kind, labels)));
  return answers
    .flatMap(valueOf)
    .filter((target) => carriesLabels(target.labels, labels))
    .map((target) => (isTime(target.createdAtMs) ? target : { ...target, createdAtMs: undefined }));
}

// Reproducible images have 1970 as their time, or none.
function isTime(ms: number | undefined): boolean {
  return ms !== undefined && ms > 24 * 3_600_000;
}
