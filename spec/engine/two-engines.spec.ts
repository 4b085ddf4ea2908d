import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import Docker from 'dockerode';
import { DockerComposeEnvironment, GenericContainer, Network } from 'testcontainers';
import { cleanupComposeProject, openScope, type Scope } from '../../lib/index';
import type { RegistryEntry } from '../../lib/registry/entry';
import { sessionIdentity } from '../../lib/registry/session-identity';
import { cleanupByKind } from '../support/cleanup-by-kind';
import { composeClient } from '../support/compose-client';
import { writeComposeFile } from '../support/compose-command';
import { openFaultProxy } from '../support/fault-proxy';
import { removeLeftovers } from '../support/leftovers';
import { openPrivateEngine, type PrivateEngine } from '../support/private-engine';
import { rejectionOf } from '../support/rejection';
import { sleeper, specImage } from '../support/spec-image';
import { createIdleContainer, docker, exists, removeByHand, specLabel, uniqueName } from '../support/things';
import { removeThingsOfThisFile, thingsOfThisFile } from '../support/things-of-file';

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

/** Creates a resource of that name on each engine. */
async function makeTwins(kind: (typeof kinds)[number], name: string): Promise<void> {
  for (const engine of [docker, otherDocker]) {
    switch (kind) {
      case 'container':
        await createIdleContainer({ name }, engine);
        break;
      case 'network':
        await engine.createNetwork({ Name: name, Labels: specLabel });
        break;
      case 'volume':
        await engine.createVolume({ Name: name, Labels: specLabel });
    }
  }
}

describe.each(kinds)('a %s with the same name on two engines', (kind) => {
  it('is removed from the requested engine, and stays on the other', async () => {
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

  it('is removed from both concurrently, by one removal each', async () => {
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

  it('is the one named at the time of the cleanup', async () => {
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
    await createIdleContainer({ Labels }),
    await createIdleContainer({ Labels }, otherDocker),
  ];
  const { parts } = await cleanupComposeProject(project, { engine: other.address });
  expect(parts).toMatchObject([{ id: there, outcome: 'removed' }]);
  expect(await exists('container', here)).toBe(true);
  await removeByHand('container', here);
});

const definition = () => new GenericContainer(specImage).withCommand(sleeper).withNetworkMode('none');

function entriesOf(scope: Scope): readonly RegistryEntry[] {
  return sessionIdentity().registry.list({ scope: scope.name });
}

describe("testcontainers on the machine's engine, and a scope on another one", () => {
  afterEach(async () => {
    await removeThingsOfThisFile();
    await removeLeftovers();
  });

  const onAnotherEngine = (what: string) => ({
    code: 'START_FAILED',
    cause: {
      code: 'CONFIG_INVALID',
      message: `start ${what}: testcontainers started it on another engine than ${other.address}; set DOCKER_HOST, so that both use one`,
    },
  });

  it.each([
    ['container', 'GenericContainer', definition],
    ['network', 'Network', () => new Network()],
  ] as const)(
    'fail the start: a %s is removed from both, and the error names the reason',
    async (kind, what, create) => {
      await using scope = openScope(`${kind} on another engine`, { engine: other.address });
      const error = await rejectionOf(scope.start<unknown>(create()));
      expect(error).toMatchObject(onAnotherEngine(what));
      expect(error).not.toHaveProperty('errors');
      expect(await thingsOfThisFile()).toEqual([]);
      expect(await thingsOfThisFile(otherDocker)).toEqual([]);
      expect(entriesOf(scope)).toMatchObject([{ kind, state: 'gone' }]);
      expect(await scope.close()).toMatchObject({ ends: [] });
    },
  );

  it('fail the start: no resource of a Compose project is left on either', async () => {
    await using scope = openScope('project on another engine', { engine: other.address });
    const project = uniqueName();
    const web = { image: specImage, stop_signal: 'SIGKILL', volumes: ['data:/data'] };
    await using file = await writeComposeFile({ version: '3.5', services: { web }, volumes: { data: {} } });
    const environment = new DockerComposeEnvironment(file.folder, 'docker-compose.yml')
      .withProjectName(project)
      .withClientOptions(await composeClient());
    expect(await rejectionOf(scope.start(environment))).toMatchObject(
      onAnotherEngine('DockerComposeEnvironment'),
    );
    const filters = { label: [`com.docker.compose.project=${project}`] };
    expect(await docker.listContainers({ all: true, filters })).toEqual([]);
    expect(await docker.listNetworks({ filters })).toEqual([]);
    expect((await docker.listVolumes({ filters })).Volumes).toEqual([]);
  });

  it('fail the start of an image before a container is created from it', async () => {
    await using scope = openScope('image on another engine', { engine: other.address });
    // Without the cache: other spec files remove the layers that they would share.
    const folder = join(__dirname, '../fixtures/image');
    const builder = GenericContainer.fromDockerfile(folder).withCache(false);
    expect(await rejectionOf(scope.start(builder))).toMatchObject(onAnotherEngine('GenericContainerBuilder'));
    expect((await thingsOfThisFile()).filter((title) => title.startsWith('container'))).toEqual([]);
  });

  it('are distinguished: a name on both is removed only from the engine on which it was adopted', async () => {
    const name = uniqueName();
    const ours = await createIdleContainer({ name });
    const theirs = await createIdleContainer({ name }, otherDocker);
    const scope = openScope('adopts there', { engine: other.address });
    await scope.adopt(name);
    await scope.close();
    expect(await exists('container', theirs, otherDocker)).toBe(false);
    expect(await exists('container', ours)).toBe(true);
  });

  it('create nothing when no engine answers at the address of the scope', async () => {
    await using scope = openScope('no engine', { engine: 'unix:///nowhere/docker.sock' });
    expect(await rejectionOf(scope.start(definition()))).toMatchObject({
      code: 'START_FAILED',
      cause: { code: 'ENGINE_UNREACHABLE' },
      postMortems: [],
    });
    expect(await thingsOfThisFile()).toEqual([]);
    expect(entriesOf(scope)).toEqual([]);
  });
});

describe('testcontainers and a scope on one engine', () => {
  afterEach(() => removeThingsOfThisFile());

  it('keep a successful start when the engine cannot be reached right after it', async () => {
    await using proxy = await openFaultProxy();
    await using scope = openScope('asked in vain', { engine: proxy.address });
    const fault = { type: 'answer', status: 500, message: 'fault on purpose' } as const;
    const rule = proxy.inject({ on: 'GET /containers/*/json', fault });
    const container = await scope.start(definition());
    expect(rule.hits()).toBe(1);
    expect(await exists('container', container.getId())).toBe(true);
    await scope.close();
    expect(await exists('container', container.getId())).toBe(false);
  });
});
