import { describe, expect, it } from '@jest/globals';
import { formatSessions } from '../../lib/cli/format-sessions';
import { listKeys, parseFilters, sweepKeys, type FilteredResource } from '../../lib/cli/resource-filter';
import type { ResourceRow, SessionRow } from '../../lib/cli/session-rows';
import { compileTemplate } from '../../lib/cli/template';

const web: FilteredResource = {
  kind: 'container',
  id: '3f2a91c0dd01',
  name: 'web-1',
  session: 'a1b2c3d4e5f6',
  owner: 'build-7 pid 4711',
  state: 'dead',
  labels: { 'castoff.test': 'stores an order', 'castoff.source': 'spec/a.spec.ts:12', team: 'shop' },
};

describe('a filter', () => {
  it.each([
    'kind=container',
    'name=web-*',
    'name=3f2a*',
    'session=a1b2c3d4e5f6',
    'owner=build-7',
    'owner=*pid 4711',
    'state=dead',
    'test=*order*',
    'source=spec/a.spec.ts',
    'source=*:12',
    'label=team',
    'label=team=shop',
    'label=team=s*',
  ])('%s selects what matches, and --exclude leaves it out', (text) => {
    expect(parseFilters({ filter: [text] }, listKeys)?.(web)).toBe(true);
    expect(parseFilters({ exclude: [text] }, listKeys)?.(web)).toBe(false);
  });

  it.each(['kind=contain', 'name=web', 'session=a1', 'owner=build', 'state=alive', 'label=shop'])(
    '%s matches whole values only',
    (text) => {
      expect(parseFilters({ filter: [text] }, listKeys)?.(web)).toBe(false);
    },
  );

  it('joins patterns of one key by or, and keys by and', () => {
    const select = (...filter: string[]) => parseFilters({ filter }, sweepKeys)?.(web);
    expect(select('kind=volume', 'kind=container')).toBe(true);
    expect(select('kind=container', 'name=db')).toBe(false);
    expect(parseFilters({ session: ['other', 'a1b2c3d4e5f6'] }, sweepKeys)?.(web)).toBe(true);
    expect(parseFilters({}, sweepKeys)).toBeUndefined();
  });
});

const row = (more: Partial<ResourceRow> = {}): ResourceRow => ({
  kind: 'container',
  id: '3f2a91c0dd01aaaa',
  name: 'web-1',
  owner: 'build-7 pid 4711',
  source: 'spec/a.spec.ts:12',
  state: 'dead',
  proof: 'no process 4711',
  isReaper: false,
  adopts: undefined,
  ageMs: 90_000,
  ...more,
});
const dead: SessionRow = {
  session: 'a1b2c3d4e5f6',
  state: 'dead',
  proof: 'no process 4711',
  things: [row(), row({ kind: 'volume', name: 'x'.repeat(64), id: 'x'.repeat(64) })],
};
const alive: SessionRow = { ...dead, session: 'b', state: 'alive', things: [row()] };
const options = { engine: 'unix:///s', isFiltered: false, columns: undefined };

describe('the list of sessions', () => {
  it('ends with a summary, and the command to run next', () => {
    const lines = formatSessions([dead, alive], options).trimEnd().split('\n');
    expect(lines.slice(-2)).toEqual([
      '2 sessions (1 alive, 1 dead): 2 containers, 1 volume on unix:///s',
      'castoff sweep removes what dead owners left; --dry-run shows it first',
    ]);
    expect(formatSessions([alive], options)).toMatch(/1 session \(1 alive\): 1 container on unix:\/\/\/s\n$/);
    expect(formatSessions([{ ...alive, state: 'unknown' }], options)).toContain('--other-hosts');
  });

  it('fits into a narrow terminal', () => {
    const text = formatSessions([dead], { ...options, columns: 80 });
    const table = text.split('\n').filter((line) => line.startsWith('  '));
    expect(table).toHaveLength(3);
    expect(Math.max(...table.map(({ length }) => length))).toBeLessThanOrEqual(80);
    expect(table[2]).toMatch(/x…x/);
    // Nothing but kind, id and name is left at 40.
    const tiny = formatSessions([dead], { ...options, columns: 40 }).split('\n');
    expect(tiny.slice(1, 3)).toEqual(['  KIND       ID            NAME', '  container  3f2a91c0dd01  web-1']);
    expect(tiny[3]?.length).toBeLessThanOrEqual(40);
    expect(formatSessions([dead], options)).toContain('x'.repeat(64));
  });

  it('reports an empty list, and an empty selection', () => {
    expect(formatSessions([], options)).toBe('no castoff resources on unix:///s\n');
    expect(formatSessions([], { ...options, isFiltered: true })).toBe(
      'no castoff resources match the filter on unix:///s\n',
    );
  });
});

describe('a template', () => {
  it('formats one line for each resource', () => {
    const format = compileTemplate(String.raw`{{kind}}\t{{.Name}} {{ session }} {{AGE}}`);
    expect(format(alive)).toBe('container\tweb-1 b 1 min 30 s\n');
    expect(format(dead).split('\n')).toHaveLength(3);
  });

  it('does not pass control characters on to the terminal', () => {
    expect(compileTemplate('{{name}}')({ ...alive, things: [row({ name: 'a\u001B[2J' })] })).toBe('a?[2J\n');
  });

  it.each(['{{colour}}', 'yaml', ''])('%j is refused, with the fields that exist', (text) => {
    expect(() => compileTemplate(text)).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining('give json, table, or a template with {{session}}, {{state}}'),
      }),
    );
  });
});
