import { randomBytes } from 'node:crypto';
import Docker from 'dockerode';
import type { RemovableKind } from '../../lib/core/kinds';
import { sleeper, specImage } from './spec-image';

/** The engine itself, past every proxy and past castoff: what is true. */
export const docker = new Docker();

/** What a spec makes on the engine carries this, so that a spec that breaks can be cleaned up after. */
export const specLabel = {
  'castoff-spec': `${process.pid}-${Math.round(performance.timeOrigin * 1_000).toString(36)}`,
};

export function uniqueName(): string {
  return `castoff-spec-${randomBytes(6).toString('hex')}`;
}

/** Makes a thing of `kind` as somebody without castoff would; resolves to the id by which the engine knows it. */
export async function createThing(kind: RemovableKind, engine: Docker = docker): Promise<string> {
  switch (kind) {
    case 'container':
      return createRunningContainer({}, engine);
    case 'network':
      return (await engine.createNetwork({ Name: uniqueName(), Labels: specLabel })).id;
    case 'volume':
      return createVolume(engine);
    case 'image':
      return createImage(engine);
  }
}

/** As `createThing`, but a container is not started. */
export async function createIdleThing(kind: RemovableKind, engine: Docker = docker): Promise<string> {
  return kind === 'container' ? createIdleContainer({}, engine) : createThing(kind, engine);
}

/** A container that is never started: nearly free, where a started one costs a quarter of a second. */
export async function createIdleContainer(
  options: Docker.ContainerCreateOptions = {},
  engine: Docker = docker,
): Promise<string> {
  const Labels = { ...specLabel, ...options.Labels };
  const { id } = await engine.createContainer({ Image: specImage, Cmd: sleeper, ...options, Labels });
  return id;
}

/** Without a network unless `options` name one: that takes a third off its start and removal. */
export async function createRunningContainer(
  options: Docker.ContainerCreateOptions = {},
  engine: Docker = docker,
): Promise<string> {
  const Labels = { ...specLabel, ...options.Labels };
  const HostConfig = { NetworkMode: 'none', ...options.HostConfig };
  const container = await engine.createContainer({
    Image: specImage,
    Cmd: sleeper,
    ...options,
    HostConfig,
    Labels,
  });
  await container.start();
  return container.id;
}

async function createVolume(engine: Docker): Promise<string> {
  const name = uniqueName();
  await engine.createVolume({ Name: name, Labels: specLabel });
  return name;
}

async function createImage(engine: Docker): Promise<string> {
  const name = uniqueName();
  const container = await engine.createContainer({ Image: specImage, Labels: { ...specLabel, name } });
  await container.commit({ repo: name, tag: '1' });
  await container.remove();
  return `${name}:1`;
}

/** Whether the engine knows it. */
export async function exists(kind: RemovableKind, id: string, engine: Docker = docker): Promise<boolean> {
  const thing = {
    container: () => engine.getContainer(id),
    network: () => engine.getNetwork(id),
    volume: () => engine.getVolume(id),
    image: () => engine.getImage(id),
  }[kind]();
  try {
    await thing.inspect();
    return true;
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return false;
    throw error;
  }
}

/** Removes by hand what a spec has left on purpose. */
export async function removeByHand(kind: RemovableKind, id: string, engine: Docker = docker): Promise<void> {
  switch (kind) {
    case 'container':
      return void (await engine.getContainer(id).remove({ force: true, v: true }));
    case 'network':
      return void (await engine.getNetwork(id).remove());
    case 'volume':
      return void (await engine.getVolume(id).remove());
    case 'image':
      return void (await engine.getImage(id).remove());
  }
}
