import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import Docker from 'dockerode';
import { cleanupComposeProject } from '../../lib/index';
import { cleanupByKind } from '../support/cleanup-by-kind';
import { removeLeftovers } from '../support/leftovers';
import { openPrivateEngine, type PrivateEngine } from '../support/private-engine';
import {
  createRunningContainer,
  docker,
  exists,
  removeByHand,
  specLabel,
  uniqueName,
} from '../support/things';

let other: PrivateEngine;
let otherDocker: Docker;
beforeAll(async () => {
  other = await openPrivateEngine();
  otherDocker = new Docker({ socketPath: other.socketPath });
});
afterAll(() => other.close());
afterAll(() => removeLeftovers());

const mine = 'unix:///var/run/docker.sock';
const kinds = ['container', 'network', 'volume'] as const;

/** Makes a thing of that name on each of the two. */
async function makeTwins(kind: (typeof kinds)[number], name: string): Promise<void> {
  for (const engine of [docker, otherDocker]) {
    switch (kind) {
      case 'container':
        await createRunningContainer({ name }, engine);
        break;
      case 'network':
        await engine.createNetwork({ Name: name, Labels: specLabel });
        break;
      case 'volume':
        await engine.createVolume({ Name: name, Labels: specLabel });
    }
  }
}

describe.each(kinds)('a %s of one name on two engines', (kind) => {
  it('goes where it is to go, and stays on the other', async () => {
    const name = uniqueName();
    await makeTwins(kind, name);
    expect(await cleanupByKind[kind](name, { engine: other.address })).toMatchObject({ outcome: 'removed' });
    expect(await exists(kind, name, otherDocker)).toBe(false);
    expect(await exists(kind, name)).toBe(true);
    expect(await cleanupByKind[kind](name, { engine: other.address })).toMatchObject({
      outcome: 'already-gone',
    });
    expect(await exists(kind, name)).toBe(true);
    await removeByHand(kind, name);
  });

  it('goes from both at once, by a removal each', async () => {
    const name = uniqueName();
    await makeTwins(kind, name);
    const addresses = [mine, other.address, mine, other.address];
    const results = await Promise.all(addresses.map((engine) => cleanupByKind[kind](name, { engine })));
    for (const { outcome } of results) expect(['removed', 'already-gone']).toContain(outcome);
    const ids = results.map(({ id }) => id);
    expect(new Set(ids).size).toBe(kind === 'volume' ? 1 : 2);
    expect(await exists(kind, name)).toBe(false);
    expect(await exists(kind, name, otherDocker)).toBe(false);
  });
});

describe('the engine that the environment names', () => {
  const before = process.env['DOCKER_HOST'];
  afterEach(() => {
    if (before === undefined) delete process.env['DOCKER_HOST'];
    else process.env['DOCKER_HOST'] = before;
  });

  it('is the one that it names when something is to go', async () => {
    const name = uniqueName();
    await makeTwins('container', name);
    process.env['DOCKER_HOST'] = other.address;
    expect(await cleanupByKind.container(name)).toMatchObject({ outcome: 'removed' });
    expect(await exists('container', name, otherDocker)).toBe(false);
    expect(await exists('container', name)).toBe(true);
    process.env['DOCKER_HOST'] = mine;
    expect(await cleanupByKind.container(name)).toMatchObject({ outcome: 'removed' });
    expect(await exists('container', name)).toBe(false);
  });
});

it('removes a Compose project from one of two engines', async () => {
  const project = uniqueName();
  const Labels = { 'com.docker.compose.project': project };
  const [here, there] = [
    await createRunningContainer({ Labels }),
    await createRunningContainer({ Labels }, otherDocker),
  ];
  const { parts } = await cleanupComposeProject(project, { engine: other.address });
  expect(parts).toMatchObject([{ id: there, outcome: 'removed' }]);
  expect(await exists('container', here)).toBe(true);
  await removeByHand('container', here);
});
