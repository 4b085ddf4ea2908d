import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { connectEngine } from '../../lib/engine/connect';
import { buildReaperImage } from '../../lib/lease/image';
import { removeLeftovers } from '../support/leftovers';
import {
  openReaperFolder,
  reapersOfSession,
  startSessionChild,
  thingsOfSession,
  type ChildOptions,
  type SessionChild,
} from '../support/session-child';
import { createThing, exists } from '../support/things';
import { until } from '../support/until';

const goneTimeoutMs = 30_000;

let reaperFolder: Awaited<ReturnType<typeof openReaperFolder>>;
beforeAll(async () => {
  reaperFolder = await openReaperFolder();
  await buildReaperImage(await connectEngine());
});
afterAll(() => reaperFolder[Symbol.asyncDispose]());

const children: SessionChild[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) {
    await child.kill();
    await until(() => isGone(child), goneTimeoutMs, 100);
  }
  await removeLeftovers();
});

async function start(options: ChildOptions): Promise<SessionChild> {
  const child = await startSessionChild({ ...options, env: { TMPDIR: reaperFolder.folder, ...options.env } });
  children.push(child);
  return child;
}

/** All of a session, and the reaper that it had for itself. */
async function isGone({ told: { session } }: SessionChild): Promise<boolean> {
  const [things, reapers] = await Promise.all([thingsOfSession(session), reapersOfSession(session)]);
  return things.length === 0 && reapers.length === 0;
}

const untilGone = (child: SessionChild) => until(() => isGone(child), goneTimeoutMs, 100);

describe.each(['container', 'process'] as const)('a session whose reaper runs as a %s', (reaper) => {
  it('leaves nothing when its process is SIGKILLed, and nothing else is touched', async () => {
    const bystanders = await Promise.all(
      (['container', 'network', 'volume'] as const).map(
        async (kind) => [kind, await createThing(kind)] as const,
      ),
    );
    const child = await start({ reaper, containers: 3 });
    expect(child.told.reaper).toContain(reaper);
    expect(await thingsOfSession(child.told.session)).toHaveLength(5);
    await child.kill();
    expect(await untilGone(child)).toBe(true);
    for (const [kind, id] of bystanders) expect(await exists(kind, id)).toBe(true);
  });

  it('leaves nothing when its whole process group is killed, as a terminal that closes and a CI runner do', async () => {
    for (const signal of ['SIGHUP', 'SIGKILL'] as const) {
      const child = await start({ reaper, isDetached: true, containers: 1 });
      process.kill(-child.pid, signal);
      expect(await untilGone(child)).toBe(true);
    }
  });

  it('leaves nothing when its process ends without closing it', async () => {
    const child = await start({ reaper, containers: 1 });
    expect(await child.leave()).toBe(0);
    expect(await untilGone(child)).toBe(true);
  });

  it('has what it has forgotten reaped when it is closed, and its reaper ends', async () => {
    const child = await start({ reaper, containers: 1 });
    await child.ask('close');
    expect(await untilGone(child)).toBe(true);
    expect(child.stderr()).toBe('');
  });

  it('shares the lease with the next one of its process, and the last to close ends it', async () => {
    const child = await start({ reaper, containers: 1, sessions: 2 });
    await child.ask('close');
    const made = await child.ask('make');
    expect(await thingsOfSession(made.session)).toHaveLength(6);
    await child.ask('close');
    expect(await untilGone(child)).toBe(true);
  });
});
