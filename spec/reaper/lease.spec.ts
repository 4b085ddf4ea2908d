import { afterEach, describe, expect, it } from '@jest/globals';
import { removeLeftovers } from '../support/leftovers';
import { openReaperSessions } from '../support/reaper-sessions';
import { openReaperFolder, thingsOfSession } from '../support/session-child';
import { isLong } from '../support/spec-size';
import { createThing, docker, exists, specLabel } from '../support/things';
import { specImage } from '../support/spec-image';

const { start, isGoneSoon } = openReaperSessions({ containers: 1 });
afterEach(() => removeLeftovers());

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
    expect(await isGoneSoon(child)).toBe(true);
    for (const [kind, id] of bystanders) expect(await exists(kind, id)).toBe(true);
  });

  it('a session whose process exits without closing it leaves no resources', async () => {
    const child = await start({ reaper });
    expect(await child.leave()).toBe(0);
    expect(await isGoneSoon(child)).toBe(true);
  });

  it('sessions of a process share a lease, and closing the last removes all resources and ends the reaper', async () => {
    const child = await start({ reaper, sessions: 2 });
    await child.ask('close');
    const made = await child.ask('make');
    expect(await thingsOfSession(made.session)).toHaveLength(6);
    await child.ask('close');
    expect(await isGoneSoon(child)).toBe(true);
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
      expect(await isGoneSoon(child)).toBe(true);
    }
  },
);
