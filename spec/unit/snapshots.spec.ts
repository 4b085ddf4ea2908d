import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { describeDifference } from '../../lib/cli/report';
import { compareSnapshots } from '../../lib/diagnosis/compare-snapshots';
import type { ProcessSnapshot, SnapshotItem } from '../../lib/diagnosis/process-snapshot';

const since = '2026-11-29T09:00:00.000Z';

function item(change: Partial<SnapshotItem> = {}): SnapshotItem {
  const known = { kind: 'container', what: 'container web', scope: 'a.test.ts', source: 'a.test.ts:4' };
  return { ...known, state: 'left', since, count: 1, ...change };
}

function snapshot(
  lists: Partial<Pick<ProcessSnapshot, 'resources' | 'tasks' | 'handles'>> = {},
): ProcessSnapshot {
  const process = { pid: 7, host: 'h', version: '0.1.0', session: '0123456789ab' };
  const none = { resources: [], tasks: [], commands: [], handles: [] };
  return { schemaVersion: 1, takenAt: since, reason: 'run closed', process, ...none, ...lists };
}

const changesOf = (before: readonly SnapshotItem[], after: readonly SnapshotItem[]): readonly string[] =>
  compareSnapshots([snapshot({ resources: before })], [snapshot({ resources: after })]).map(
    ({ change, count, before: was = '-', after: is = '-' }) => `${change} ${count} ${was} ${is}`,
  );

describe('a comparison of snapshots', () => {
  it.each<[string, SnapshotItem[], SnapshotItem[], string[]]>([
    ['new', [], [item()], ['new 1 - left']],
    ['gone', [item()], [], ['gone 1 left -']],
    ['gone once it is verified gone', [item()], [item({ state: 'gone' })], ['gone 1 left -']],
    ['not listed when it was removed both times', [item({ state: 'gone' })], [item({ state: 'gone' })], []],
    [
      'unmoved, under another name and id',
      [item()],
      [item({ what: 'container db', id: 'f00' })],
      ['unmoved 1 left left'],
    ],
    ['moved when its state differs', [item()], [item({ state: 'present' })], ['moved 1 left present']],
    [
      'new in another test of the same line',
      [item({ test: 'one' })],
      [item({ test: 'two' })],
      ['new 1 - left', 'gone 1 left -'],
    ],
    [
      'new where one line has more',
      [item({ count: 2 })],
      [item({ count: 5 })],
      ['new 3 - left', 'unmoved 2 left left'],
    ],
    [
      'compared by its description where it has no line',
      [item({ source: undefined })],
      [item({ source: undefined, what: 'container db' })],
      ['new 1 - left', 'gone 1 left -'],
    ],
  ])('finds an item %s', (_what, before, after, expected) => {
    expect(changesOf(before, after)).toEqual(expected);
  });

  const items = fc.array(
    fc.record({
      kind: fc.constantFrom('container', 'task', 'interval'),
      what: fc.constantFrom('one', 'two'),
      scope: fc.constantFrom('a', 'b'),
      source: fc.constantFrom('a:1', 'b:2', undefined),
      state: fc.constantFrom('left', 'present', 'gone'),
      since: fc.constant(since),
      count: fc.integer({ min: 1, max: 3 }),
    }),
  );
  const present = (list: readonly SnapshotItem[]): number =>
    list.reduce((sum, { count, state }) => sum + (state === 'gone' ? 0 : count), 0);

  it('counts each item of both once, and finds nothing new or gone in equal ones', () => {
    fc.assert(
      fc.property(items, items, (before, after) => {
        const rows = compareSnapshots([snapshot({ resources: before })], [snapshot({ handles: after })]);
        const count = (...changes: string[]): number =>
          rows.reduce((sum, row) => sum + (changes.includes(row.change) ? row.count : 0), 0);
        expect(count('gone', 'unmoved', 'moved')).toBe(present(before));
        expect(count('new', 'unmoved', 'moved')).toBe(present(after));
        const same = compareSnapshots([snapshot({ resources: before })], [snapshot({ resources: before })]);
        expect(same.every(({ change }) => change === 'unmoved')).toBe(true);
      }),
    );
  });
});

describe('castoff report', () => {
  let folder: string;
  const path = (name: string): string => join(folder, name);
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'castoff-snapshots-'));
    const task = item({ kind: 'task', what: 'task poll', state: 'stuck', source: 'a.test.ts:9' });
    await writeFile(path('before.json'), JSON.stringify(snapshot({ tasks: [task] })));
    await writeFile(path('after.json'), JSON.stringify(snapshot({ resources: [item()], tasks: [task] })));
    await writeFile(path('torn'), JSON.stringify(snapshot()).slice(0, 90));
    await writeFile(path('future'), JSON.stringify({ ...snapshot(), schemaVersion: 2 }));
    await writeFile(path('other'), '{"name":"castoff"}');
    await writeFile(path('list'), '[]');
    await writeFile(path('partial'), JSON.stringify({ ...snapshot(), handles: undefined }));
    await writeFile(path('items'), JSON.stringify(snapshot({ resources: [{ ...item(), count: -1 }] })));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('prints what is new, gone and still there, with its line', () => {
    const text = describeDifference({ diff: [path('before.json'), path('after.json')] });
    expect(text).toMatch(/^new +1 +container web +left +a\.test\.ts +a\.test\.ts:4$/m);
    expect(text).toMatch(/^still there +1 +task poll +stuck +a\.test\.ts +a\.test\.ts:9$/m);
    expect(text).toMatch(/^1 new, 0 gone, 1 still there and unmoved, 0 moved$/m);
  });

  it('compares folders, and prints JSON', () => {
    const rows: unknown = JSON.parse(describeDifference({ diff: [folder, folder], json: true }));
    expect(rows).toMatchObject([
      { change: 'unmoved', count: 1 },
      { change: 'unmoved', count: 2 },
    ]);
  });

  it.each([
    ['torn', 'it is torn or no JSON'],
    ['future', 'it has version 2, and this castoff reads 1'],
    ['other', 'not a snapshot of castoff'],
    ['list', 'not a snapshot of castoff'],
    ['partial', 'parts of it are missing or invalid'],
    ['items', 'parts of it are missing or invalid'],
    ['missing', 'ENOENT'],
  ])('refuses a file that is %s, by its name', (name, reason) => {
    const compare = (): unknown => describeDifference({ diff: [path('before.json'), path(name)] });
    expect(compare).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    expect(compare).toThrow(path(name));
    expect(compare).toThrow(reason);
  });

  it('refuses a folder without snapshots, and another number of paths than two', async () => {
    const empty = await mkdtemp(join(folder, 'empty-'));
    expect(() => describeDifference({ diff: [empty, folder] })).toThrow('it has no .json file');
    for (const diff of [[], [folder], [folder, folder, folder]])
      expect(() => describeDifference({ diff })).toThrow('give two snapshots, or two folders');
  });
});
