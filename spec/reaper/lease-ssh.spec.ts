import { afterAll, beforeAll, expect, it } from '@jest/globals';
import {
  isSessionGone,
  openReaperFolder,
  startSessionChild,
  thingsOfSession,
} from '../support/session-child';
import { openSshServer, type SshServer } from '../support/ssh-server';
import { until } from '../support/until';

let server: SshServer;
let reaperFolder: Awaited<ReturnType<typeof openReaperFolder>>;
beforeAll(async () => {
  reaperFolder = await openReaperFolder();
  server = await openSshServer('unix:///var/run/docker.sock');
});
afterAll(async () => {
  await Promise.allSettled([reaperFolder[Symbol.asyncDispose](), server.close()]);
});

it.each(['container', 'process'] as const)(
  'over ssh, a SIGKILLed session with the reaper as a %s leaves no resources',
  async (reaper) => {
    const child = await startSessionChild({
      reaper,
      engine: server.address,
      containers: 1,
      areStarted: false,
      env: { TMPDIR: reaperFolder.folder, PATH: server.path },
    });
    const { session } = child.told;
    expect(await thingsOfSession(session)).toHaveLength(3);
    await child.kill();
    expect(await until(() => isSessionGone(session), 30_000, 100)).toBe(true);
  },
);
