import { afterAll, beforeAll, expect, it } from '@jest/globals';
import Docker from 'dockerode';
import { connectEngine } from '../../lib/engine/connect';
import { buildReaperImage, type ReaperImage } from '../../lib/lease/image';
import type { SecondEngine } from '../support/engine-process';
import { openPodmanEngine } from '../support/podman-engine';
import { runToEnd } from '../support/run-to-end';
import {
  isSessionGone,
  openReaperFolder,
  startSessionChild,
  thingsOfSession,
} from '../support/session-child';
import { until } from '../support/until';

let engine: SecondEngine;
let docker: Docker;
let image: ReaperImage;
let reaperFolder: Awaited<ReturnType<typeof openReaperFolder>>;
beforeAll(async () => {
  reaperFolder = await openReaperFolder();
  engine = await openPodmanEngine();
  docker = new Docker({ socketPath: engine.socketPath });
  image = await buildReaperImage(await connectEngine(engine.address));
});
afterAll(async () => {
  await Promise.allSettled([reaperFolder[Symbol.asyncDispose](), engine.close()]);
});

it("on Podman, the reaper's image is built once, with the same configuration, and runs", async () => {
  const { name, isBuilt } = image;
  expect(isBuilt).toBe(true);
  const again = await buildReaperImage(await connectEngine(engine.address));
  expect(again).toMatchObject({ name, isBuilt: false });

  const { Config } = await docker.getImage(name).inspect();
  expect(Config.Labels).toMatchObject({ 'org.testcontainers.ryuk': 'true', 'castoff.reaper': 'true' });
  expect(Config.Entrypoint).toEqual(['/castoff/bind-then-run', 'node', '/castoff/reaper-server.js']);
  expect(Config.Cmd ?? []).toEqual([]);

  const { log } = await runToEnd({ Image: name, Cmd: ['none-of-its-modes'] }, docker);
  expect(log).toMatch(/castoff reaper: .*none-of-its-modes/);
});

it.each([
  { reaper: 'container', areStarted: true },
  { reaper: 'process', areStarted: false },
] as const)(
  'on Podman, a SIGKILLed session with the reaper as a $reaper leaves no resources',
  async (options) => {
    const child = await startSessionChild({
      ...options,
      engine: engine.address,
      containers: 1,
      env: { TMPDIR: reaperFolder.folder },
    });
    const { session } = child.told;
    expect(await thingsOfSession(session, docker)).toHaveLength(3);
    await child.kill();
    expect(await until(() => isSessionGone(session, docker), 30_000, 100)).toBe(true);
  },
);
