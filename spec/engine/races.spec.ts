import { afterAll, expect, it } from '@jest/globals';
import pLimit from 'p-limit';
import { removeLeftovers } from '../support/leftovers';
import { runRaceRound } from '../support/race-round';

afterAll(() => removeLeftovers());

const seed = process.env['CASTOFF_SEED'];
const rounds = Number(process.env['CASTOFF_ROUNDS'] ?? (seed === undefined ? 12 : 1));
const firstSeed = Number(seed ?? Math.floor(Math.random() * 1_000_000));
const maxConcurrentRounds = 8;

it(
  `${rounds} containers that up to eight clients remove at once are removed without errors`,
  async () => {
    const limit = pLimit(maxConcurrentRounds);
    const seeds = Array.from({ length: rounds }, (_, index) => firstSeed + index);
    const failures = await Promise.all(seeds.map((one) => limit(() => runRaceRound(one))));
    expect(failures.filter((failure) => failure !== undefined).join('\n\n')).toBe('');
  },
  rounds * 5_000 + 60_000,
);
