import { describe, expect, it } from '@jest/globals';
import {
  boundsOfNew,
  byClockOfEngine,
  isAllNew,
  projectsIn,
  unnamedOf,
} from '../../lib/commands/new-project';

/** The labels of docker-compose 1.29.2 and 2. */
const container = (project: string, folder: string) => ({
  labels: {
    'com.docker.compose.oneoff': 'False',
    'com.docker.compose.project': project,
    'com.docker.compose.project.config_files': 'docker-compose.yml',
    'com.docker.compose.project.working_dir': folder,
    'com.docker.compose.service': 'web',
    'com.docker.compose.version': '1.29.2',
  },
});
const asItIs = (path: string): string => path;

describe('projectsIn', () => {
  it('finds the projects whose containers were created in the folder, through symbolic links too', () => {
    const containers = [
      container('shop', '/work/shop'),
      container('shop', '/work/shop'),
      container('other', '/work/other'),
      container('named', '/link/shop'),
      { labels: { 'com.docker.compose.project': 'no-folder' } },
      { labels: { 'com.docker.compose.project.working_dir': '/work/shop' } },
    ];
    const realPath = (path: string): string => path.replace('/link', '/work');
    expect(projectsIn(['/work/shop'], containers, realPath)).toEqual(['shop', 'named']);
    expect(projectsIn(['/link/shop', '/work/shop'], containers, asItIs)).toEqual(['shop', 'named']);
    expect(projectsIn(['/work'], containers, asItIs)).toEqual([]);
  });
});

describe('isAllNew', () => {
  const since = 1_700_000_000_400;
  const all = (...times: readonly (number | undefined)[]): boolean =>
    isAllNew(
      times.map((createdAtMs) => ({ labels: {}, createdAtMs })),
      since,
    );

  it.each([
    [true, 'all parts were created after the command started', [since, since + 1, since + 9_000]],
    [false, 'a part existed before', [since + 1, since - 1]],
    [true, 'a time without milliseconds is in the same second', [1_700_000_000_000]],
    [false, 'a time without milliseconds is in the second before', [1_699_999_999_000]],
    [false, 'a creation time is unknown', [since + 1, undefined]],
    [false, 'the project has no parts', []],
  ])('is %s when %s', (isNew, _, times) => {
    expect(all(...times)).toBe(isNew);
  });
});

describe('unnamedOf', () => {
  it.each([
    [['shop'], '/work/shop', 'shop'],
    [['staging', 'shop'], '/work/shop', 'shop'],
    [['myshop-2_b'], '/work/My Shop-2_B', 'myshop-2_b'],
    [['other', 'shop'], '/work/_Shop', 'shop'],
    [['other', '_shop'], '/work/_Shop', '_shop'],
    [['from-its-file'], '/work/shop', 'from-its-file'],
    [['one', 'two'], '/work/shop', undefined],
    [[], '/work/shop', undefined],
  ])('picks among %j for the folder %s: %s', (names, folder, name) => {
    expect(unnamedOf(names, folder)).toBe(name);
  });
});

describe('byClockOfEngine', () => {
  it('keeps the time when both clocks may be the same', () => {
    expect(byClockOfEngine(1_000, { engineMs: 5_010, beforeMs: 5_000, afterMs: 5_020 })).toBe(1_000);
  });

  it('returns the latest possible time when the clocks differ, so that older parts count as foreign', () => {
    expect(byClockOfEngine(1_000, { engineMs: 65_010, beforeMs: 5_000, afterMs: 5_020 })).toBe(61_010);
    expect(byClockOfEngine(1_000, { engineMs: 2_000, beforeMs: 5_000, afterMs: 5_020 })).toBe(-2_000);
  });
});

describe('boundsOfNew', () => {
  const existing = ['container 1', 'network 2', 'volume data ', 'image sha256:3'];

  it('excludes existing images when the project has no other parts', () => {
    expect(boundsOfNew([], new Set())).toEqual({ except: [] });
    expect(boundsOfNew(['image sha256:3'], new Set())).toEqual({ except: ['image sha256:3'] });
  });

  it('excludes existing parts when all of them are ours, comparing volumes by name', () => {
    const known = new Set(['container 1', 'network 2', 'volume data 2026-11-28T12:00:00Z']);
    expect(boundsOfNew(existing, known)).toEqual({ except: existing });
  });

  it('returns undefined when a part is not ours, or when there are more than a reaper accepts', () => {
    expect(boundsOfNew(existing, new Set(['container 1', 'network 2']))).toBeUndefined();
    expect(boundsOfNew(['volume data '], new Set(['volume data-2 2026']))).toBeUndefined();
    const images = Array.from({ length: 201 }, (_, index) => `image ${index}`);
    expect(boundsOfNew(images, new Set())).toBeUndefined();
  });
});
