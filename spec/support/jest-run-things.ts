import { isReaper, labelNames } from '../../lib/core/labels';
import { docker } from './things';

interface FoundThing {
  readonly title: string;
  remove(): Promise<unknown>;
}

/** What is on the engine of a Jest that a spec runs, reapers excepted. */
export async function thingsOfRun(id: string): Promise<readonly string[]> {
  return (await findThings(id)).map(({ title }) => title).toSorted();
}

/** Removes what a spec that broke, or a run that was to leave something, has left. */
export async function removeThingsOfRun(id: string): Promise<void> {
  for (const thing of await findThings(id)) await thing.remove();
}

/** By the labels of its fixture, and by castoff's, for which it is a CI run. Containers first: the rest can go then. */
async function findThings(id: string): Promise<readonly FoundThing[]> {
  const labels = [`castoff-spec-run=${id}`, `${labelNames.run}=${id}`];
  const found = (await Promise.all(labels.map(findLabelled))).flat();
  return found.filter(({ title }, index) => found.findIndex((other) => other.title === title) === index);
}

async function findLabelled(label: string): Promise<readonly FoundThing[]> {
  const filters = { label: [label] };
  const [containers, networks, { Volumes }, images] = await Promise.all([
    docker.listContainers({ all: true, filters }),
    docker.listNetworks({ filters }),
    docker.listVolumes({ filters }),
    docker.listImages({ filters }),
  ]);
  return [
    ...containers
      .filter(({ Labels }) => !isReaper(Labels))
      .map(({ Id, Names, Image, State }) => ({
        title: `container ${Names[0]} ${Image} (${State})`,
        remove: () => docker.getContainer(Id).remove({ force: true, v: true }),
      })),
    ...networks.map(({ Id, Name }) => ({
      title: `network ${Name}`,
      remove: () => docker.getNetwork(Id).remove(),
    })),
    ...(Volumes ?? []).map(({ Name }) => ({
      title: `volume ${Name}`,
      remove: () => docker.getVolume(Name).remove(),
    })),
    ...images.map(({ Id, RepoTags }) => ({
      title: `image ${RepoTags?.join(', ') ?? Id}`,
      remove: () => docker.getImage(Id).remove({ force: true }),
    })),
  ];
}
