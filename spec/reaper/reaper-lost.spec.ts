import { expect, it } from '@jest/globals';
import { openReaperSessions } from '../support/reaper-sessions';
import { reapersOfSession, thingsOfSession } from '../support/session-child';
import { isLong } from '../support/spec-size';
import { docker } from '../support/things';
import { until } from '../support/until';

const sessions = openReaperSessions({ containers: 1 });

/** The pids of a child's reaper. */
async function reapersOf(reaper: 'container' | 'process', session: string): Promise<readonly number[]> {
  if (reaper === 'process') return sessions.hosts();
  const containers = await reapersOfSession(session);
  const inspected = await Promise.all(containers.map(({ Id }) => docker.getContainer(Id).inspect()));
  return inspected.map(({ State }) => State.Pid).filter((pid) => pid > 0);
}

const count = (text: string, word: string): number => text.split(word).length - 1;

it.each([
  { reaper: 'container', rounds: isLong ? 2 : 1 },
  { reaper: 'process', rounds: 2 },
] as const)(
  'a SIGKILLed reaper ($reaper) is replaced by another, which removes the resources when the client is SIGKILLed, too',
  async ({ reaper, rounds }) => {
    const child = await sessions.start({ reaper });
    const { session } = child.told;
    for (let round = 1; round <= rounds; round += 1) {
      const before = await reapersOf(reaper, session);
      expect(before).toHaveLength(1);
      for (const pid of before) process.kill(pid, 'SIGKILL');
      const { stderr } = child;
      expect(await until(() => count(stderr(), 'CASTOFF_LEASE_REGAINED') === round, 15_000)).toBe(true);
      expect(count(stderr(), 'CASTOFF_LEASE_LOST')).toBe(round);
      expect(await reapersOf(reaper, session)).toHaveLength(1);
      expect(await reapersOf(reaper, session)).not.toEqual(before);
    }
    // Its resources still exist, and it can create more.
    await child.ask('make');
    expect(await thingsOfSession(session)).toHaveLength(6);
    await child.kill();
    expect(await sessions.isGoneSoon(child)).toBe(true);
  },
);
