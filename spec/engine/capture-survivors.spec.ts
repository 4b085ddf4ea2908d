import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import Docker from 'dockerode';
import { GenericContainer, Network, Wait } from 'testcontainers';
import type { RegistryEntry } from '../../lib/registry/entry';
import { sessionIdentity } from '../../lib/registry/session-identity';
import { cleanupContainer } from '../../lib/resources/cleanup';
import type { FaultProxy } from '../support/fault-proxy';
import { stageOfFile } from '../support/capture-stage';
import { rejectionOf } from '../support/rejection';
import { sleeper, specImage } from '../support/spec-image';
import { docker, exists, uniqueName } from '../support/things';
import { openProxyForAll } from '../support/through-proxy';

let proxy: FaultProxy;
/** The user's client. */
let dockerode: Docker;

const stage = stageOfFile();

beforeAll(async () => {
  proxy = await openProxyForAll();
  dockerode = new Docker({ socketPath: proxy.socketPath });
});
afterAll(async () => {
  await proxy.close();
});

/** Saves a third of the start. */
const HostConfig = { NetworkMode: 'none' };

const entryOf = (id: string): RegistryEntry | undefined => stage.entries().find((entry) => entry.id === id);
const survivors = (...ids: readonly string[]) => stage.findSurvivors(({ id }) => ids.includes(id ?? ''));
const inspections = () => proxy.calls.filter(({ method }) => method === 'GET').length;

describe('resources removed by user code', () => {
  it('marks a resource as removed by the response, without inspecting it', async () => {
    const container = await new GenericContainer(specImage)
      .withCommand(sleeper)
      .withNetworkMode('none')
      .start();
    const network = await new Network().start();
    await container.stop();
    await network.stop();
    const before = inspections();
    for (const id of [container.getId(), network.getId()])
      expect(entryOf(id)).toMatchObject({ state: 'gone', outcome: 'removed-by-code' });
    expect(await survivors(container.getId(), network.getId())).toEqual([]);
    expect(inspections()).toBe(before);
  });

  it('recognises a resource by its name, a short id or the digest of an image', async () => {
    const name = uniqueName();
    const named = await dockerode.createContainer({ Image: specImage, name });
    const short = await dockerode.createContainer({ Image: specImage });
    const { Id: image } = await short.commit({ repo: name });
    await dockerode.getContainer(name).remove();
    await dockerode.getContainer(short.id.slice(0, 12)).remove();
    await dockerode.getImage(image).remove({ force: true });
    for (const id of [named.id, short.id, name])
      expect(entryOf(id)).toMatchObject({ state: 'gone', outcome: 'removed-by-code' });
  });

  it('marks a resource as removed if the engine no longer knows it', async () => {
    const name = uniqueName();
    await dockerode.createVolume({ Name: name });
    await docker.getVolume(name).remove();
    expect(await rejectionOf(dockerode.getVolume(name).remove())).toMatchObject({ statusCode: 404 });
    expect(entryOf(name)).toMatchObject({ state: 'gone', outcome: 'removed-by-code' });
  });

  it('waits for the pending removal of a resource', async () => {
    const container = await dockerode.createContainer({ Image: specImage });
    const held = proxy.hold(`DELETE /containers/${container.id}`);
    const removing = container.remove();
    await held.arrived();
    expect(entryOf(container.id)).toMatchObject({ state: 'cleaning' });
    const left = survivors(container.id);
    held.release();
    expect(await left).toEqual([]);
    expect(entryOf(container.id)).toMatchObject({ state: 'gone', outcome: 'removed-by-code' });
    await removing;
  });

  it('reports a resource whose removal is rejected or gets no response', async () => {
    const container = await dockerode.createContainer({ Image: specImage, Cmd: sleeper, HostConfig });
    await container.start();
    // 409: cannot remove a running container
    expect(await rejectionOf(container.remove())).toMatchObject({ statusCode: 409 });
    expect(entryOf(container.id)).toMatchObject({ state: 'present' });
    proxy.inject({ on: 'DELETE /containers/*', fault: { type: 'reset' } });
    await rejectionOf(container.remove({ force: true }));
    expect(await survivors(container.id)).toMatchObject([{ id: container.id, state: 'present' }]);
  });

  it('does not attribute the removal by castoff’s own cleanup to user code', async () => {
    const { id } = await dockerode.createContainer({ Image: specImage });
    await cleanupContainer(id);
    expect(entryOf(id)).toMatchObject({ state: 'present' });
    expect(await survivors(id)).toEqual([]);
    expect(entryOf(id)).toMatchObject({ state: 'gone', outcome: 'removed-elsewhere' });
  });
});

describe('resources not removed by a request of user code', () => {
  it('marks a container as removed if the engine removed it when it exited', async () => {
    const container = await dockerode.createContainer({
      Image: specImage,
      Cmd: sleeper,
      HostConfig: { ...HostConfig, AutoRemove: true },
    });
    await container.start();
    await container.stop({ t: 0 });
    expect(await survivors(container.id)).toEqual([]);
    expect(entryOf(container.id)).toMatchObject({ state: 'gone', outcome: 'removed-elsewhere' });
  });

  it('reports resources of every kind that still exist and match the filter', async () => {
    const name = uniqueName();
    const container = await dockerode.createContainer({ Image: specImage });
    const other = await dockerode.createContainer({ Image: specImage });
    const network = await dockerode.createNetwork({ Name: name });
    await dockerode.createVolume({ Name: name });
    await container.commit({ repo: name, tag: '1' });
    const found = await survivors(container.id, network.id, name, `${name}:1`);
    expect(found.map(({ kind }) => kind)).toEqual(['container', 'network', 'volume', 'image']);
    expect(found.map(({ state }) => state)).toEqual(['present', 'present', 'present', 'present']);
    expect(entryOf(other.id)).toMatchObject({ state: 'present' });
  });

  it('does not mistake a later resource with the same name for the captured one', async () => {
    const name = uniqueName();
    await dockerode.createVolume({ Name: name });
    await docker.getVolume(name).remove();
    await docker.createVolume({ Name: name });
    expect(await survivors(name)).toEqual([]);
    expect(await exists('volume', name)).toBe(true);
    await docker.getVolume(name).remove();
  });

  it('reports a resource as unknown while it cannot be inspected, and as present afterwards', async () => {
    const { id } = await dockerode.createContainer({ Image: specImage });
    const rule = proxy.inject({
      on: `GET /containers/${id}/json`,
      fault: { type: 'answer', status: 500, message: 'not now' },
      times: Infinity,
    });
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    expect(await survivors(id)).toMatchObject([{ id, state: 'unknown' }]);
    expect(warn.mock.calls).toEqual([
      [expect.stringContaining('500 not now; it may still exist'), expect.anything()],
    ]);
    warn.mockRestore();
    rule.remove();
    expect(await survivors(id)).toMatchObject([{ id, state: 'present' }]);
  });
});

describe('hasFixedNameOrPort', () => {
  const isFixed = async (options: Docker.ContainerCreateOptions): Promise<boolean> =>
    stage.hasFixedNameOrPort((await dockerode.createContainer({ Image: specImage, ...options })).id);

  it('detects a container with a name, a host port or the host network', async () => {
    expect(await isFixed({ name: uniqueName() })).toBe(true);
    expect(await isFixed({ HostConfig: { PortBindings: { '80/tcp': [{ HostPort: '18080' }] } } })).toBe(true);
    expect(await isFixed({ HostConfig: { NetworkMode: 'host' } })).toBe(true);
  });

  it('does not detect a container without a name that takes any free port', async () => {
    const container = await new GenericContainer(specImage)
      .withExposedPorts(80)
      .withWaitStrategy(Wait.forSuccessfulCommand('true'))
      .withCommand(sleeper)
      .start();
    expect(stage.hasFixedNameOrPort(container.getId())).toBe(false);
    expect(await isFixed({ HostConfig: { PortBindings: { '80/tcp': [{ HostPort: '0' }] } } })).toBe(false);
    expect(await isFixed({})).toBe(false);
  });

  it('detects a container started by a scope', async () => {
    const Labels = { 'castoff.session': sessionIdentity().id };
    expect(await isFixed({ name: uniqueName(), Labels })).toBe(true);
  });
});
