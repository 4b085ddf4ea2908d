import { afterAll, beforeAll, expect, it } from '@jest/globals';
import pLimit from 'p-limit';
import { connectEngine } from '../../lib/engine/connect';
import { sweep } from '../../lib/index';
import { buildReaperImage } from '../../lib/lease/image';
import { KillRound } from '../support/kill-round';
import { describeItem, takeStock } from '../support/kill-round-stock';
import { removeLeftovers } from '../support/leftovers';

const seed = process.env['CASTOFF_SEED'];
const { CASTOFF_ROUNDS: wantedRounds } = process.env;
const rounds = Number(wantedRounds ?? (seed === undefined ? 16 : 1));
const firstSeed = Number(seed ?? Math.floor(Math.random() * 1_000_000));
const concurrentRounds = 4;

const all = Array.from({ length: rounds }, (_, index) => new KillRound(firstSeed + index));

beforeAll(async () => {
  await buildReaperImage(await connectEngine());
});
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

    await sweep();
    // Including resources that were created late, after the last listing.
    const stock = await takeStock([]);
    const late = all.flatMap((round) =>
      round.pickOwn(stock).map((one) => `seed ${round.seed}: ${describeItem(one)}`),
    );
    expect(late).toEqual([]);
    if (rounds >= 16) {
      expect(all.filter(({ startedCount }) => startedCount > 0).length).toBeGreaterThan(rounds / 4);
      expect(all.some(({ ownedCount }) => ownedCount > 0)).toBe(true);
    }
    if (wantedRounds !== undefined)
      process.stdout.write(`${describeTimes('container')}\n${describeTimes('process')}\n`);
  },
  rounds * 10_000 + 60_000,
);

function describeTimes(reaper: string): string {
  const ends = all.filter((round) => round.reaper === reaper && round.ownedCount > 0);
  const times = ends.map(({ removedAfterMs }) => removedAfterMs).toSorted((a, b) => a - b);
  const [median, longest] = [times[Math.floor(times.length / 2)], times.at(-1)].map((ms) => ms?.toFixed(0));
  return `reaper ${reaper}: ${ends.length} with resources; all removed after ${median} ms (median), ${longest} ms (longest)`;
}
