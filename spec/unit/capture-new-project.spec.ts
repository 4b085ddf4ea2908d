import { describe, expect, it } from '@jest/globals';
import { boundsOfNew, byClockOfEngine, isAllNew, projectsIn, unnamedOf } from '../../lib/capture/new-project';

/** As docker-compose 1.29.2 labels a container; version 2 does the same. */
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

describe('the projects of a folder', () => {
  it('are those whose containers say so, by whatever name of the folder', () => {
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

describe('whether a project is new', () => {
  const since = 1_700_000_000_400;
  const all = (...times: readonly (number | undefined)[]): boolean =>
    isAllNew(
      times.map((createdAtMs) => ({ labels: {}, createdAtMs })),
      since,
    );

  it.each([
    ['all of it came after the command', [since, since + 1, since + 9_000], true],
    ['a part was there before', [since + 1, since - 1], false],
    ['the engine tells of that second alone', [1_700_000_000_000], true],
    ['of the second before', [1_699_999_999_000], false],
    ['the engine does not tell', [since + 1, undefined], false],
    ['there is nothing of it', [], false],
  ])('%s', (_, times, isNew) => {
    expect(all(...times)).toBe(isNew);
  });
});

describe('the project of a command without a name', () => {
  it.each([
    [['shop'], '/work/shop', 'shop'],
    [['staging', 'shop'], '/work/shop', 'shop'],
    [['myshop-2_b'], '/work/My Shop-2_B', 'myshop-2_b'],
    [['other', 'shop'], '/work/_Shop', 'shop'],
    [['other', '_shop'], '/work/_Shop', '_shop'],
    [['from-its-file'], '/work/shop', 'from-its-file'],
    [['one', 'two'], '/work/shop', undefined],
    [[], '/work/shop', undefined],
  ])('of %j in %s is %s', (names, folder, name) => {
    expect(unnamedOf(names, folder)).toBe(name);
  });
});

describe('a time of ours by the engine’s clock', () => {
  it('is the same where the clocks may be one', () => {
    expect(byClockOfEngine(1_000, { engineMs: 5_010, beforeMs: 5_000, afterMs: 5_020 })).toBe(1_000);
  });

  it('else is the latest that it can have been: what is older is somebody’s own', () => {
    expect(byClockOfEngine(1_000, { engineMs: 65_010, beforeMs: 5_000, afterMs: 5_020 })).toBe(61_010);
    expect(byClockOfEngine(1_000, { engineMs: 2_000, beforeMs: 5_000, afterMs: 5_020 })).toBe(-2_000);
  });
});

describe('what a command may create in a named project', () => {
  const there = ['container 1', 'network 2', 'volume data ', 'image sha256:3'];

  it('is all but the images, where nothing else is there', () => {
    expect(boundsOfNew([], new Set())).toEqual({ except: [] });
    expect(boundsOfNew(['image sha256:3'], new Set())).toEqual({ except: ['image sha256:3'] });
  });

  it('is all but the parts that are ours, a volume by its name', () => {
    const known = new Set(['container 1', 'network 2', 'volume data 2026-11-28T12:00:00Z']);
    expect(boundsOfNew(there, known)).toEqual({ except: there });
  });

  it('is nothing, where a part is not ours, or there are more than a reaper takes', () => {
    expect(boundsOfNew(there, new Set(['container 1', 'network 2']))).toBeUndefined();
    expect(boundsOfNew(['volume data '], new Set(['volume data-2 2026']))).toBeUndefined();
    const images = Array.from({ length: 201 }, (_, index) => `image ${index}`);
    expect(boundsOfNew(images, new Set())).toBeUndefined();
  });
});
