import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { packageVersion } from '../../lib/core/package-version';
import { connectEngine } from '../../lib/engine/connect';
import { connectionKey } from '../../lib/engine/endpoint';
import { readEngineId } from '../../lib/engine/engine-id';
import { hostSocketPath } from '../../lib/lease/host-socket';
import { ReaperProgram } from '../support/reaper-program';
import {
  isSessionGone,
  openReaperFolder,
  startSessionChild,
  thingsOfSession,
} from '../support/session-child';
import { isLong } from '../support/spec-size';
import { until } from '../support/until';

let reaperFolder: Awaited<ReturnType<typeof openReaperFolder>>;
beforeAll(async () => (reaperFolder = await openReaperFolder()));
afterAll(() => reaperFolder[Symbol.asyncDispose]());

const openChild = () =>
  startSessionChild({
    reaper: 'process',
    containers: 1,
    areStarted: false,
    env: { TMPDIR: reaperFolder.folder },
  });
const isGone = (session: string): Promise<boolean> => until(() => isSessionGone(session), 15_000, 100);

/** The folder of the host process's socket. */
async function meetingPoint(): Promise<string> {
  const engine = await connectEngine();
  const folder = join(reaperFolder.folder, `castoff-${process.getuid?.() ?? 'user'}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return hostSocketPath({
    platform: process.platform,
    folder,
    shortFolder: folder,
    connection: connectionKey(engine.connection.endpoint),
    engineId: await readEngineId(engine),
    version: packageVersion,
  });
}

describe('a session that finds a host process', () => {
  it('replaces a stopped host process, and shares the new one with the next session', async () => {
    const first = await openChild();
    const [stopped, ...more] = reaperFolder.hosts();
    expect(more).toEqual([]);
    process.kill(stopped!, 'SIGSTOP');
    try {
      const second = await openChild();
      const hosts = reaperFolder.hosts();
      expect(hosts).toHaveLength(2);
      const third = await openChild();
      expect(reaperFolder.hosts()).toEqual(hosts);
      await Promise.all([second.kill(), third.kill()]);
      expect(await isGone(second.told.session)).toBe(true);
      expect(await isGone(third.told.session)).toBe(true);
      expect(await thingsOfSession(first.told.session)).toHaveLength(3);
    } finally {
      process.kill(stopped!, 'SIGCONT');
    }
    await first.kill();
    expect(await isGone(first.told.session)).toBe(true);
  });

  it('replaces a host process that cannot reach an engine', async () => {
    const path = await meetingPoint();
    expect(await until(() => reaperFolder.hosts().length === 0, 15_000, 100)).toBe(true);
    await using broken = new ReaperProgram({
      args: ['host', path],
      env: { DOCKER_HOST: 'unix:///nowhere/docker.sock' },
    });
    await broken.says(/msg=Started/);
    const child = await openChild();
    expect(child.stderr()).not.toContain('CASTOFF_REAPER_MISSING');
    await child.kill();
    expect(await isGone(child.told.session)).toBe(true);
    expect(broken.stdout.join('\n')).not.toMatch(/msg=reaping/);
  });
});

// It takes 20 s to give up a silent reaper; `unit/lease-client` covers the same in milliseconds.
if (isLong) {
  describe('a host process that stops after a session took its lease', () => {
    it('is replaced, and removes nothing of the session when it continues', async () => {
      const child = await openChild();
      const [stopped] = reaperFolder.hosts();
      process.kill(stopped!, 'SIGSTOP');
      try {
        expect(await until(() => child.stderr().includes('CASTOFF_LEASE_REGAINED'), 40_000)).toBe(true);
        expect(reaperFolder.hosts()).toHaveLength(2);
      } finally {
        process.kill(stopped!, 'SIGCONT');
      }
      await child.ask('make');
      expect(await thingsOfSession(child.told.session)).toHaveLength(6);
      await child.kill();
      expect(await isGone(child.told.session)).toBe(true);
      expect(await until(() => reaperFolder.hosts().length === 0, 15_000, 100)).toBe(true);
    });
  });
}

describe('a host process after SIGTERM', () => {
  it('loses its clients to another one, which reaps their claims', async () => {
    const child = await openChild();
    const [host] = reaperFolder.hosts();
    process.kill(host!, 'SIGTERM');
    expect(await until(() => child.stderr().includes('CASTOFF_LEASE_REGAINED'))).toBe(true);
    expect(await until(() => !reaperFolder.hosts().includes(host!))).toBe(true);
    expect(await thingsOfSession(child.told.session)).toHaveLength(3);
    await child.kill();
    expect(await isGone(child.told.session)).toBe(true);
  });
});
