import { afterAll, beforeAll, expect, it } from '@jest/globals';
import Docker from 'dockerode';
import { connectEngine } from '../../lib/engine/connect';
import { buildReaperImage } from '../../lib/lease/image';
import type { SecondEngine } from '../support/engine-process';
import { openPodmanEngine } from '../support/podman-engine';
import {
  openReaperFolder,
  reapersOfSession,
  startSessionChild,
  thingsOfSession,
} from '../support/session-child';
import { until } from '../support/until';

let engine: SecondEngine;
let docker: Docker;
let reaperFolder: Awaited<ReturnType<typeof openReaperFolder>>;
beforeAll(async () => {
  reaperFolder = await openReaperFolder();
  engine = await openPodmanEngine();
  docker = new Docker({ socketPath: engine.socketPath });
  await buildReaperImage(await connectEngine(engine.address));
});
afterAll(async () => {
  await Promise.allSettled([reaperFolder[Symbol.asyncDispose](), engine.close()]);
});

it.each(['container', 'process'] as const)(
  'on Podman, a session whose reaper runs as a %s leaves nothing when it is SIGKILLed',
  async (reaper) => {
    const child = await startSessionChild({
      reaper,
      engine: engine.address,
      containers: 1,
      env: { TMPDIR: reaperFolder.folder },
    });
    const { session } = child.told;
    expect(await thingsOfSession(session, docker)).toHaveLength(3);
    await child.kill();
    const isGone = async () =>
      (await thingsOfSession(session, docker)).length === 0 &&
      (await reapersOfSession(session, docker)).length === 0;
    expect(await until(isGone, 30_000, 100)).toBe(true);
  },
);
