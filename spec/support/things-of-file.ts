import type Docker from 'dockerode';
import { getContainerRuntimeClient, getReaper, LABEL_TESTCONTAINERS_SESSION_ID } from 'testcontainers';
import { labelNames } from '../../lib/core/labels';
import { sessionIdentity } from '../../lib/registry/session-identity';
import { removeContainer, removeUnlessGone } from './leftovers';
import { docker } from './things';

interface FoundThing {
  /** `container /web`, for people. */
  readonly title: string;
  remove(): Promise<unknown>;
}

/** What is on the engine of all that castoff and testcontainers have made in this spec file: nothing, once scopes are closed. */
export async function thingsOfThisFile(engine: Docker = docker): Promise<readonly string[]> {
  return (await findThings(engine)).map(({ title }) => title);
}

/** For `afterEach`: removes what a spec that broke has left. */
export async function removeThingsOfThisFile(engine: Docker = docker): Promise<void> {
  for (const thing of await findThings(engine)) await thing.remove();
}

/** Containers first: networks, volumes and images can go then. */
async function findThings(engine: Docker): Promise<readonly FoundThing[]> {
  const { sessionId } = await getReaper(await getContainerRuntimeClient());
  const labels = [
    `${labelNames.session}=${sessionIdentity().id}`,
    `${LABEL_TESTCONTAINERS_SESSION_ID}=${sessionId}`,
  ];
  const found = await Promise.all(labels.map((label) => findLabelled(engine, label)));
  return found
    .flat()
    .filter(({ title }, index, all) => all.findIndex((other) => other.title === title) === index);
}

async function findLabelled(engine: Docker, label: string): Promise<readonly FoundThing[]> {
  const filters = { label: [label] };
  const [containers, networks, images] = await Promise.all([
    engine.listContainers({ all: true, filters }),
    engine.listNetworks({ filters }),
    engine.listImages({ filters }),
  ]);
  return [
    ...containers.map(({ Id, Names, State }) => ({
      title: `container ${Names[0]} (${State})`,
      remove: () => removeContainer(engine.getContainer(Id)),
    })),
    ...networks.map(({ Id, Name }) => ({
      title: `network ${Name}`,
      remove: () => removeUnlessGone(engine.getNetwork(Id)),
    })),
    ...images.map(({ Id, RepoTags }) => ({
      title: `image ${RepoTags?.join(', ') ?? Id}`,
      remove: () => engine.getImage(Id).remove({ force: true }),
    })),
  ];
}
