import { describe, expect, it } from '@jest/globals';
import type { Engine } from '../../lib/engine/engine';
import type { ListedTarget } from '../../lib/engine/list-targets';
import type { RegistryEntry } from '../../lib/registry/entry';
import { findCandidates } from '../../lib/sweep/find-candidates';
import type { JudgedSession } from '../../lib/sweep/judge-session';
import { selectBy, type SweepFilter } from '../../lib/sweep/selection';
import { standInConnection } from '../support/stand-in-connection';

const project = 'castoff-0123456789abcdef';
const labels = { 'com.docker.compose.project': project };
const parts: readonly ListedTarget[] = [
  { kind: 'container', id: 'c0ffee', name: 'web', labels },
  { kind: 'volume', id: 'cache-x', name: 'cache-x', labels },
];

const engine: Engine = {
  address: 'none',
  isPodman: false,
  connection: standInConnection,
  ask: (call) =>
    Promise.resolve({ meaning: 'done', value: parts.filter(({ kind }) => call === `${kind}.list`) as never }),
  get: () => Promise.resolve({ meaning: 'done', value: {} }),
  within: () => engine,
};

const dead = {
  session: '0123456789ab',
  verdicts: [],
  shouldRemove: true,
  proof: { state: 'dead', proof: 'no process 1' },
  journals: {
    session: '0123456789ab',
    unfinished: [
      {
        key: 'k',
        kind: 'compose-project',
        name: project,
        id: project,
        owner: {},
        bounds: { only: ['cache-x'] },
      } as unknown as RegistryEntry,
    ],
  },
} as unknown as JudgedSession;

const find = (filter: SweepFilter | undefined) =>
  findCandidates(engine, [], [dead], () => undefined, selectBy(filter));

describe('a Compose project that only a journal names', () => {
  it('is kept as a whole unless the filter selects all of its parts', async () => {
    const { candidates, kept } = await find(({ name }) => !name.startsWith('cache-'));
    expect(candidates).toEqual([]);
    expect(kept).toMatchObject([
      { kind: 'compose-project', proof: 'the filter does not select all of its parts' },
    ]);
  });

  it.each<[string, SweepFilter | undefined]>([
    ['a filter that selects all parts', () => true],
    ['no filter', undefined],
  ])('is looked up for removal with %s', async (_what, filter) => {
    const { kept } = await find(filter);
    expect(kept).toEqual([]);
  });
});
