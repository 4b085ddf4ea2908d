import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import Docker from 'dockerode';
import { cleanupByKind } from '../support/cleanup-by-kind';
import type { SecondEngine } from '../support/engine-process';
import { openPodmanEngine } from '../support/podman-engine';
import { specImage } from '../support/spec-image';
import { createRunningContainer, exists, uniqueName } from '../support/things';

let engine: SecondEngine;
let podman: Docker;
beforeAll(async () => {
  engine = await openPodmanEngine();
  podman = new Docker({ socketPath: engine.socketPath });
});
afterAll(() => engine.close());

describe('what Podman takes for a thing that is gone', () => {
  it.each(['container', 'network', 'image'] as const)('is not it: a %s whose id begins so', async (kind) => {
    const id = {
      container: () => createRunningContainer({}, podman),
      network: async () => (await podman.createNetwork({ Name: uniqueName() })).id,
      image: async () => (await podman.getImage(specImage).inspect()).Id.replace('sha256:', ''),
    }[kind];
    const theirs = await id();
    const result = await cleanupByKind[kind](theirs.slice(0, 8), { engine: engine.address });
    expect(result).toMatchObject({ outcome: 'already-gone', attempts: 0 });
    expect(await exists(kind, theirs, podman)).toBe(true);
    expect(await cleanupByKind[kind](uniqueName(), { engine: engine.address })).toMatchObject({
      outcome: 'already-gone',
    });
  });

  it('is not it: an image of that name in somebody’s repository', async () => {
    const name = uniqueName();
    await podman.getImage(specImage).tag({ repo: `localhost/somebody/${name}`, tag: '1' });
    const asked = { engine: engine.address };
    expect(await cleanupByKind.image(`${name}:1`, asked)).toMatchObject({ outcome: 'already-gone' });
    expect(await exists('image', `localhost/somebody/${name}:1`, podman)).toBe(true);
    expect(await cleanupByKind.image(`somebody/${name}:1`, asked)).toMatchObject({ outcome: 'removed' });
    expect(await exists('image', `localhost/somebody/${name}:1`, podman)).toBe(false);
  });
});
