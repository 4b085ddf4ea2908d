import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import Docker from 'dockerode';
import { connectEngine } from '../../lib/engine/connect';
import { buildReaperImage } from '../../lib/lease/image';
import { openPrivateEngine, type PrivateEngine } from '../support/private-engine';
import {
  isSessionGone,
  openReaperFolder,
  startSessionChild,
  thingsOfSession,
  type SessionChild,
} from '../support/session-child';
import { until } from '../support/until';

let engine: PrivateEngine;
let docker: Docker;
let reaperFolder: Awaited<ReturnType<typeof openReaperFolder>>;
beforeAll(async () => {
  reaperFolder = await openReaperFolder();
  engine = await openPrivateEngine();
  docker = new Docker({ socketPath: engine.socketPath });
});
afterAll(async () => {
  await Promise.allSettled([reaperFolder[Symbol.asyncDispose](), engine.close()]);
});

const start = (reaper: 'auto' | 'process'): Promise<SessionChild> =>
  startSessionChild({
    reaper,
    engine: engine.address,
    containers: 1,
    areStarted: false,
    env: { TMPDIR: reaperFolder.folder, NODE_DEBUG: 'castoff' },
  });

const isGone = ({ told: { session } }: SessionChild): Promise<boolean> => isSessionGone(session, docker);

describe('a session with auto on an engine without the image', () => {
  let child: SessionChild;
  beforeAll(async () => void (child = await start('auto')));

  it('auto takes a host process when the image is missing, and logs that for NODE_DEBUG', () => {
    expect(child.told.reaper).toContain('host process');
    expect(child.stderr()).toMatch(
      /castoff\/reaper:\S+ is not on unix:.*; npx castoff reaper image builds it/,
    );
    expect(child.stderr()).not.toContain('Warning');
  });

  it('a lease survives a restart of the engine, and a client that is SIGKILLed meanwhile is reaped', async () => {
    const killed = await start('process');
    expect(killed.told.reaper).toBe(child.told.reaper);
    const things = await thingsOfSession(child.told.session, docker);
    expect(things).toHaveLength(3);
    await engine.kill();
    await killed.kill();
    await engine.start();
    expect(await until(() => isGone(killed), 60_000, 100)).toBe(true);
    expect(await thingsOfSession(child.told.session, docker)).toEqual(things);
    await child.kill();
    expect(child.stderr()).not.toContain('CASTOFF_LEASE_LOST');
    expect(await until(() => isGone(child), 30_000, 100)).toBe(true);
  });
});

it('a reaper container is replaced after a restart of the engine, and reaps nothing while its client lives', async () => {
  await buildReaperImage(await connectEngine(engine.address));
  const child = await start('auto');
  expect(child.told.reaper).toContain('container');
  const { session } = child.told;
  const things = await thingsOfSession(session, docker);
  await engine.kill();
  await engine.start();
  expect(await until(() => child.stderr().includes('CASTOFF_LEASE_REGAINED'), 30_000)).toBe(true);
  expect(await thingsOfSession(session, docker)).toEqual(things);
  await child.kill();
  expect(await until(() => isGone(child), 60_000, 100)).toBe(true);
});
