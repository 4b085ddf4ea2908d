import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import Docker from 'dockerode';
import { cleanupNetwork, openScope } from '../../lib/index';
import type { RemovableKind } from '../../lib/engine/removable-kind';
import { cleanupByKind } from '../support/cleanup-by-kind';
import { openFaultProxy } from '../support/fault-proxy';
import { openPodmanEngine } from '../support/podman-engine';
import type { SecondEngine } from '../support/engine-process';
import { sleeper, specImage } from '../support/spec-image';
import { createRunningContainer, createThing, exists } from '../support/things';

describe('on Podman', () => {
  let podman: SecondEngine;
  let docker: Docker;
  beforeAll(async () => {
    podman = await openPodmanEngine();
    docker = new Docker({ socketPath: podman.socketPath });
  });
  afterAll(() => podman.close());

  const kinds: readonly RemovableKind[] = ['container', 'network', 'volume', 'image'];
  it.each(kinds)(
    'cleanup of a %s sees that it is gone, for one caller and for five at once',
    async (kind) => {
      const id = await createThing(kind, docker);
      const engine = podman.address;
      const results = await Promise.all(Array.from({ length: 5 }, () => cleanupByKind[kind](id, { engine })));
      expect(results.map(({ outcome }) => outcome)).toEqual(Array.from({ length: 5 }, () => 'removed'));
      expect(await exists(kind, id, docker)).toBe(false);
      expect(await cleanupByKind[kind](id, { engine })).toMatchObject({ outcome: 'already-gone' });
    },
  );

  it('removers from outside race with ours, and ours do not fail', async () => {
    const id = await createRunningContainer({}, docker);
    const remove = () => docker.getContainer(id).remove({ force: true });
    const [ours] = await Promise.allSettled([
      cleanupByKind.container(id, { engine: podman.address }),
      remove(),
      remove(),
    ]);
    expect(ours).toMatchObject({ status: 'fulfilled' });
    expect(await exists('container', id, docker)).toBe(false);
  });

  it('a network lets go of the containers that hang on it', async () => {
    const network = await createThing('network', docker);
    const container = await createRunningContainer({ HostConfig: { NetworkMode: network } }, docker);
    expect(await cleanupNetwork(network, { engine: podman.address })).toMatchObject({ outcome: 'removed' });
    expect(await exists('container', container, docker)).toBe(true);
    await docker.getContainer(container).remove({ force: true });
  });

  it('a container is killed before its removal: a newer Podman would wait for its graceful end', async () => {
    await using proxy = await openFaultProxy({ upstream: podman.socketPath });
    const id = await createRunningContainer({}, docker);
    await cleanupByKind.container(id, { engine: proxy.address });
    const sent = proxy.calls.map(({ method, path }) => `${method} ${path.replace(/\?.*/, '')}`);
    const kill = sent.findIndex((call) => call.endsWith(`/containers/${id}/kill`));
    expect(kill).toBeGreaterThan(-1);
    expect(sent.findIndex((call) => call.startsWith('DELETE'))).toBeGreaterThan(kill);
  });

  it.each(['running', 'created', 'exited'])(
    'a network that is removed by its id is detached first from a container that is %s',
    async (status) => {
      await using proxy = await openFaultProxy({ upstream: podman.socketPath });
      const name = await createThing('network', docker);
      const { Id: network } = await docker.getNetwork(name).inspect();
      const { id: container } = await docker.createContainer({
        Image: specImage,
        Cmd: status === 'exited' ? ['true'] : sleeper,
        HostConfig: { NetworkMode: name },
      });
      if (status !== 'created') await docker.getContainer(container).start();
      if (status === 'exited') await docker.getContainer(container).wait();
      await cleanupNetwork(network, { engine: proxy.address });
      expect(await exists('network', name, docker)).toBe(false);
      const changes = proxy.calls.filter(({ method }) => method !== 'GET');
      expect(changes.map(({ method, path, status: answer }) => `${method} ${path} ${answer}`)).toEqual([
        `POST /networks/${network}/disconnect 200`,
        `DELETE /networks/${network} 204`,
      ]);
      await docker.getContainer(container).remove({ force: true });
    },
  );

  it('an image that is known by its id without sha256: is removed', async () => {
    const { id } = await docker.createContainer({ Image: specImage });
    const { Id } = (await docker.getContainer(id).commit()) as { Id: string };
    await docker.getContainer(id).remove();
    const bareId = Id.replace('sha256:', '');
    const fullId = `sha256:${bareId}`;
    expect(await exists('image', fullId, docker)).toBe(true);
    expect(await cleanupByKind.image(bareId, { engine: podman.address })).toMatchObject({
      outcome: 'removed',
      attempts: 1,
    });
    expect(await exists('image', fullId, docker)).toBe(false);
  });

  it('a scope removes what it has adopted there, and a post-mortem reads what it said', async () => {
    const Cmd = ['sh', '-c', 'echo out; echo err >&2; exit 3'];
    const id = await createRunningContainer({ Cmd }, docker);
    await docker.getContainer(id).wait();
    const { postMortem } = await cleanupByKind.container(id, { engine: podman.address, postMortem: true });
    expect(postMortem).toMatchObject({
      status: 'exited',
      exitCode: 3,
      logLines: expect.arrayContaining([
        { stream: 'stdout', text: 'out' },
        { stream: 'stderr', text: 'err' },
      ]),
    });

    const scope = openScope('podman', { engine: podman.address });
    const adopted = await createRunningContainer({}, docker);
    await scope.adopt(adopted);
    await scope.close();
    expect(await exists('container', adopted, docker)).toBe(false);
  });
});
