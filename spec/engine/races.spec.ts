import { afterAll, expect, it } from '@jest/globals';
import pLimit from 'p-limit';
import { removeLeftovers } from '../support/leftovers';
import { runRaceRound } from '../support/race-round';

afterAll(() => removeLeftovers());

const seed = process.env['CASTOFF_SEED'];
const rounds = Number(process.env['CASTOFF_ROUNDS'] ?? (seed === undefined ? 12 : 1));
const firstSeed = Number(seed ?? Math.floor(Math.random() * 1_000_000));
const roundsAtOnce = 8;

it(
  `${rounds} containers that up to eight want gone at once end gone, and without an error`,
  async () => {
    const limit = pLimit(roundsAtOnce);
    const seeds = Array.from({ length: rounds }, (_, index) => firstSeed + index);
    const ends = await Promise.all(seeds.map((one) => limit(() => runRaceRound(one))));
    expect(ends.filter((wrong) => wrong !== undefined).join('\n\n')).toBe('');
  },
  rounds * 5_000 + 60_000,
);
