import { afterAll, expect, it } from '@jest/globals';
import pLimit from 'p-limit';
import { labelNames } from '../../lib/core/labels';
import { cleanupSession } from '../../lib/index';
import { KillRound } from '../support/kill-round';
import { describeItem, takeStock } from '../support/kill-round-stock';
import { removeLeftovers } from '../support/leftovers';

const seed = process.env['CASTOFF_SEED'];
const { CASTOFF_ROUNDS: wantedRounds } = process.env;
// `npm run test:kill` runs 300.
const rounds = Number(wantedRounds ?? (seed === undefined ? 8 : 1));
const firstSeed = Number(seed ?? Math.floor(Math.random() * 1_000_000));
const concurrentRounds = 4;

const all = Array.from({ length: rounds }, (_, index) => new KillRound(firstSeed + index));

afterAll(async () => {
  await Promise.allSettled(all.map((round) => round.dispose()));
  await removeLeftovers();
});

it(
  `${rounds} programs that are killed at a random moment leave nothing, half with a reaper container, half with a reaper process`,
  async () => {
    const limit = pLimit(concurrentRounds);
    const ends = all.map(async (round) => {
      await limit(() => round.run());
      return round.finish();
    });
    const problems = await Promise.all(ends);
    expect(problems.filter((one) => one !== undefined).join('\n\n')).toBe('');

    // Including resources that were created late, after the last listing. Session by session: a sweep would also
    // remove what other spec files have left on purpose.
    for (const session of await sessionsLeft()) await cleanupSession(session);
    const stock = await takeStock([]);
    const late = all.flatMap((round) =>
      round.pickOwn(stock).map((one) => `seed ${round.seed}: ${describeItem(one)}`),
    );
    expect(late).toEqual([]);
    if (rounds >= 8) expect(all.some(({ startedCount }) => startedCount > 0)).toBe(true);
    if (rounds >= 16) {
      expect(all.filter(({ startedCount }) => startedCount > 0).length).toBeGreaterThan(rounds / 4);
      expect(all.some(({ ownedCount }) => ownedCount > 0)).toBe(true);
    }
    if (wantedRounds !== undefined)
      process.stdout.write(`${describeTimes('container')}\n${describeTimes('process')}\n`);
  },
  rounds * 10_000 + 60_000,
);

/** The sessions of the rounds that still have resources. */
async function sessionsLeft(): Promise<ReadonlySet<string>> {
  const stock = await takeStock([]);
  const left = all.flatMap((round) => round.pickOwn(stock));
  return new Set(left.flatMap(({ labels }) => labels[labelNames.session] ?? []));
}

function describeTimes(reaper: string): string {
  const ends = all.filter((round) => round.reaper === reaper && round.ownedCount > 0);
  const times = ends.map(({ removedAfterMs }) => removedAfterMs).toSorted((a, b) => a - b);
  const [median, longest] = [times[Math.floor(times.length / 2)], times.at(-1)].map((ms) => ms?.toFixed(0));
  return `reaper ${reaper}: ${ends.length} with resources; all removed after ${median} ms (median), ${longest} ms (longest)`;
}
