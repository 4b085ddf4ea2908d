import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { connectEngine } from '../../lib/engine/connect';
import { buildReaperImage } from '../../lib/lease/image';
import { removeLeftovers } from '../support/leftovers';
import {
  isSessionGone,
  openReaperFolder,
  startSessionChild,
  thingsOfSession,
  type ChildOptions,
  type SessionChild,
} from '../support/session-child';
import { isLong } from '../support/spec-size';
import { createThing, docker, exists, specLabel } from '../support/things';
import { specImage } from '../support/spec-image';
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
    await untilGone(child);
  }
  await removeLeftovers();
});

async function start(options: ChildOptions): Promise<SessionChild> {
  const child = await startSessionChild({
    containers: 1,
    areStarted: false,
    ...options,
    env: { TMPDIR: reaperFolder.folder, ...options.env },
  });
  children.push(child);
  return child;
}

/** All of a session, and the reaper that it had for itself. */
const untilGone = ({ told: { session } }: SessionChild) =>
  until(() => isSessionGone(session), goneTimeoutMs, 250);

/** As another client makes them. The container is only created: that is enough to be removed by mistake. */
const makeBystanders = async () => {
  const { id } = await docker.createContainer({ Image: specImage, Labels: specLabel });
  return [
    ['container', id],
    ['network', await createThing('network')],
    ['volume', await createThing('volume')],
  ] as const;
};

describe.each(['container', 'process'] as const)('a session whose reaper runs as a %s', (reaper) => {
  it('leaves nothing when its process is SIGKILLed, and nothing else is touched', async () => {
    const bystanders = await makeBystanders();
    const child = await start({ reaper, containers: 2, areStarted: true });
    expect(child.told.reaper).toContain(reaper);
    expect(await thingsOfSession(child.told.session)).toHaveLength(4);
    await child.kill();
    expect(await untilGone(child)).toBe(true);
    for (const [kind, id] of bystanders) expect(await exists(kind, id)).toBe(true);
  });

  it('leaves nothing when its process ends without closing it', async () => {
    const child = await start({ reaper });
    expect(await child.leave()).toBe(0);
    expect(await untilGone(child)).toBe(true);
  });

  it('shares the lease with the next one of its process; the last to close has what is left reaped, and its reaper ends', async () => {
    const child = await start({ reaper, sessions: 2 });
    await child.ask('close');
    const made = await child.ask('make');
    expect(await thingsOfSession(made.session)).toHaveLength(6);
    await child.ask('close');
    expect(await untilGone(child)).toBe(true);
    expect(child.stderr()).toBe('');
  });
});

// No reaper in a container is in the group.
it.each(isLong ? (['process', 'container'] as const) : (['process'] as const))(
  'a session whose reaper runs as a %s leaves nothing when its process group is killed, as by a terminal or a CI runner',
  async (reaper) => {
    // Its own: the first to come starts the host process, as a child of its group.
    await using folder = await openReaperFolder();
    for (const signal of ['SIGKILL', 'SIGHUP'] as const) {
      const child = await start({ reaper, isDetached: true, env: { TMPDIR: folder.folder } });
      process.kill(-child.pid, signal);
      expect(await untilGone(child)).toBe(true);
    }
  },
);
