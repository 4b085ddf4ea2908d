import { isReaper, labelNames } from '../../lib/core/labels';
import { removeContainer, removeUnlessGone } from './leftovers';
import { docker } from './things';

interface FoundResource {
  readonly title: string;
  remove(): Promise<unknown>;
}

/** Returns the titles of the resources that a run of Jest has on an engine, without reapers. */
export async function resourcesOfRun(id: string, engine = docker): Promise<readonly string[]> {
  return (await findResources(id, engine)).map(({ title }) => title).toSorted();
}

/** Removes everything that a run has left on the engine. */
export async function removeResourcesOfRun(id: string): Promise<void> {
  for (const resource of await findResources(id, docker)) await resource.remove();
}

/**
 * Finds resources by the label of the fixture, and by castoff's label for CI runs. Containers come first, to
 * free the others.
 */
async function findResources(id: string, engine: typeof docker): Promise<readonly FoundResource[]> {
  const labels = [`castoff-spec-run=${id}`, `${labelNames.run}=${id}`];
  const found = (await Promise.all(labels.map((label) => findLabelled(label, engine)))).flat();
  return found.filter(({ title }, index) => found.findIndex((other) => other.title === title) === index);
}

async function findLabelled(label: string, engine: typeof docker): Promise<readonly FoundResource[]> {
  const filters = { label: [label] };
  const [containers, networks, { Volumes }, images] = await Promise.all([
    engine.listContainers({ all: true, filters }),
    engine.listNetworks({ filters }),
    engine.listVolumes({ filters }),
    engine.listImages({ filters }),
  ]);
  return [
    ...containers
      .filter(({ Labels }) => !isReaper(Labels))
      .map(({ Id, Names, Image, State }) => ({
        title: `container ${Names[0]} ${Image} (${State})`,
        remove: () => removeContainer(engine.getContainer(Id)),
      })),
    ...networks.map(({ Id, Name }) => ({
      title: `network ${Name}`,
      remove: () => removeUnlessGone(engine.getNetwork(Id)),
    })),
    ...(Volumes ?? []).map(({ Name }) => ({
      title: `volume ${Name}`,
      remove: () => removeUnlessGone(engine.getVolume(Name)),
    })),
    ...images.map(({ Id, RepoTags }) => ({
      title: `image ${RepoTags?.join(', ') ?? Id}`,
      remove: () => engine.getImage(Id).remove({ force: true }),
    })),
  ];
}
