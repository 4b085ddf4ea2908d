import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import Docker from 'dockerode';
import { cleanupNetwork, openScope } from '../../lib/index';
import type { RemovableKind } from '../../lib/engine/removable-kind';
import { cleanupByKind } from '../support/cleanup-by-kind';
import { openPodmanEngine } from '../support/podman-engine';
import type { SecondEngine } from '../support/engine-process';
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
