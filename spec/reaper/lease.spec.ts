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

/** Waits until no resource of the session, and no reaper of its own, is left. */
const untilGone = ({ told: { session } }: SessionChild) =>
  until(() => isSessionGone(session), goneTimeoutMs, 250);

/**
 * Creates resources without the session's labels. The container is not started, which is enough to be removed
 * by mistake.
 */
const makeBystanders = async () => {
  const { id } = await docker.createContainer({ Image: specImage, Labels: specLabel });
  return [
    ['container', id],
    ['network', await createThing('network')],
    ['volume', await createThing('volume')],
  ] as const;
};

describe.each(['container', 'process'] as const)('a session with the reaper as a %s', (reaper) => {
  it('a SIGKILLed session leaves no resources, and resources of others stay', async () => {
    const bystanders = await makeBystanders();
    const child = await start({ reaper, containers: 2, areStarted: true });
    expect(child.told.reaper).toContain(reaper);
    expect(await thingsOfSession(child.told.session)).toHaveLength(4);
    await child.kill();
    expect(await untilGone(child)).toBe(true);
    for (const [kind, id] of bystanders) expect(await exists(kind, id)).toBe(true);
  });

  it('a session whose process exits without closing it leaves no resources', async () => {
    const child = await start({ reaper });
    expect(await child.leave()).toBe(0);
    expect(await untilGone(child)).toBe(true);
  });

  it('sessions of a process share a lease, and closing the last removes all resources and ends the reaper', async () => {
    const child = await start({ reaper, sessions: 2 });
    await child.ask('close');
    const made = await child.ask('make');
    expect(await thingsOfSession(made.session)).toHaveLength(6);
    await child.ask('close');
    expect(await untilGone(child)).toBe(true);
    expect(child.stderr()).toBe('');
  });
});

// A reaper in a container is not in the process group.
it.each(isLong ? (['process', 'container'] as const) : (['process'] as const))(
  'a session with the reaper as a %s leaves no resources when its process group is killed, as by a terminal or CI runner',
  async (reaper) => {
    // A separate folder, so that the session starts its own host process, as a child of its group.
    await using folder = await openReaperFolder();
    for (const signal of ['SIGKILL', 'SIGHUP'] as const) {
      const child = await start({ reaper, isDetached: true, env: { TMPDIR: folder.folder } });
      process.kill(-child.pid, signal);
      expect(await untilGone(child)).toBe(true);
    }
  },
);
