import Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connectEngine } from '../../lib/engine/connect';
import { buildReaperImage } from '../../lib/lease/image';
import type { SecondEngine } from '../support/engine-process';
import { openPodmanEngine } from '../support/podman-engine';

describe('on Podman', () => {
  let podman: SecondEngine;
  let docker: Docker;
  beforeAll(async () => {
    podman = await openPodmanEngine();
    docker = new Docker({ socketPath: podman.socketPath });
  });
  afterAll(() => podman.close());

  it("makes the reaper's image once, with the same configuration, and it runs", async () => {
    const engine = await connectEngine(podman.address);
    const { name, isBuilt } = await buildReaperImage(engine);
    expect(isBuilt).toBe(true);
    expect(await buildReaperImage(engine)).toMatchObject({ name, isBuilt: false });

    const { Config } = await docker.getImage(name).inspect();
    expect(Config.Labels).toMatchObject({ 'org.testcontainers.ryuk': 'true', 'castoff.reaper': 'true' });
    expect(Config.Entrypoint).toEqual(['/castoff/bind-then-run', 'node', '/castoff/reaper-server.js']);
    expect(Config.Cmd ?? []).toEqual([]);

    const container = await docker.createContainer({ Image: name, Cmd: ['none-of-its-modes'], Tty: true });
    await container.start();
    await container.wait();
    const log = await container.logs({ stdout: true, stderr: true });
    await container.remove({ force: true });
    expect(String(log)).toMatch(/castoff reaper: .*none-of-its-modes/);
  });
});
