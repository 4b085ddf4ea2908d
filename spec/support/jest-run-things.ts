import { isReaper, labelNames } from '../../lib/core/labels';
import { docker } from './things';

interface FoundThing {
  readonly title: string;
  remove(): Promise<unknown>;
}

/** What is on an engine of a Jest that a spec runs, reapers excepted. */
export async function thingsOfRun(id: string, engine = docker): Promise<readonly string[]> {
  return (await findThings(id, engine)).map(({ title }) => title).toSorted();
}

/** Removes what a spec that broke, or a run that was to leave something, has left. */
export async function removeThingsOfRun(id: string): Promise<void> {
  for (const thing of await findThings(id, docker)) await thing.remove();
}

/** By the labels of its fixture, and by castoff's, for which it is a CI run. Containers first: the rest can go then. */
async function findThings(id: string, engine: typeof docker): Promise<readonly FoundThing[]> {
  const labels = [`castoff-spec-run=${id}`, `${labelNames.run}=${id}`];
  const found = (await Promise.all(labels.map((label) => findLabelled(label, engine)))).flat();
  return found.filter(({ title }, index) => found.findIndex((other) => other.title === title) === index);
}

async function findLabelled(label: string, engine: typeof docker): Promise<readonly FoundThing[]> {
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
        remove: () => engine.getContainer(Id).remove({ force: true, v: true }),
      })),
    ...networks.map(({ Id, Name }) => ({
      title: `network ${Name}`,
      remove: () => engine.getNetwork(Id).remove(),
    })),
    ...(Volumes ?? []).map(({ Name }) => ({
      title: `volume ${Name}`,
      remove: () => engine.getVolume(Name).remove(),
    })),
    ...images.map(({ Id, RepoTags }) => ({
      title: `image ${RepoTags?.join(', ') ?? Id}`,
      remove: () => engine.getImage(Id).remove({ force: true }),
    })),
  ];
}
