import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fitWidths, shortenMiddle, wrapWords } from '../../lib/verdict/fit-text';
import { formatVerdict } from '../../lib/verdict/format-verdict';
import { judge } from '../../lib/verdict/judge';
import type { LeakSettings, RunEnd } from '../../lib/verdict/verdict';
import { leak, openHandle, shownId, record } from '../support/resource-records';

function textOf(
  end: Partial<RunEnd>,
  settings: Partial<LeakSettings> = {},
  columns: number | undefined = 120,
): string {
  const verdict = judge(
    { records: [], failures: [], left: [], ...end },
    { leaks: 'fail', ignore: [], ...settings },
  );
  return formatVerdict(verdict, { columns, hasColour: false });
}

describe('the text of a verdict', () => {
  it('is empty if nothing was created', () => {
    expect(textOf({ records: [record({ outcome: 'never-created' })] })).toBe('');
  });

  it('is one line if nothing went wrong', () => {
    const records = [record(), record(), record({ kind: 'network' })];
    expect(textOf({ records })).toBe('castoff: 2 containers, 1 network, all gone\n');
    expect(textOf({ records: [...records, leak({ name: 'web' })] }, { ignore: ['web'] })).toBe(
      'castoff: 3 containers, 1 network, all gone (1 leak ignored)\n',
    );
  });

  it('lists a leak with its test, source, lifetime and removal, and explains how to fix it', () => {
    const web = leak({
      id: shownId,
      name: 'web',
      image: 'redis:7',
      test: 'orders are found',
      source: 'spec/a.spec.ts:12',
    });
    expect(textOf({ records: [web, record()] })).toBe(
      [
        'castoff: 1 leak among 2 containers: still present after its test file finished, and not owned by a scope',
        '',
        '  RESOURCE                      IMAGE    TEST              LINE               LIVED  REMOVED',
        '  container web (cccccccccccc)  redis:7  orders are found  spec/a.spec.ts:12  3.2 s  by castoff',
        '',
        '  The leak has been removed. To fix this:',
        "  - remove what a test starts in 'afterEach' or 'afterAll': await container.stop()",
        "  - or give it to a scope, which removes it even when the test fails; import { scope } from 'castoff/jest':",
        '      const container = await scope.start(new GenericContainer(…))',
        "  - or, if it is meant to outlive its test file: withCastoff(config, { ignore: ['image:redis:7'] }), or leaks: 'warn'",
        '',
      ].join('\n'),
    );
  });

  it('lists open handles by line below the summary, and explains how to close them', () => {
    const handles = [
      openHandle(),
      openHandle({ what: 'timeout of 60 s', count: 200, test: undefined, source: undefined }),
    ];
    expect(textOf({ records: [record()], handles })).toBe(
      [
        'castoff: 1 container, all gone',
        '',
        'castoff: 201 handles were still open after their test file had finished',
        '',
        '  HANDLE                 CREATED AT         TEST                  AGE',
        '  interval of 50 ms      spec/a.spec.ts:12  polls                 1.5 s',
        '  200 × timeout of 60 s                     spec/a.spec.ts/polls  1.5 s',
        '',
        "  To fix this, close what a test opens in 'afterEach' or 'afterAll', or give it to a scope:",
        "      import { scope, defer } from 'castoff/jest'",
        "      scope.use(server)   defer('stop polling', () => poller.stop())   scope.spawn('poll', (signal) => …)",
        "  If it is meant to stay open: withCastoff(config, { ignore: ['file:spec/a.spec.ts'] }), or handles: 'off'.",
        '',
      ].join('\n'),
    );
    expect(textOf({ handles: [openHandle({ scope: 'run' })] })).toContain(
      'castoff: 1 handle was still open after the run had finished',
    );
  });

  it('explains how to remove each kind that leaked, and who removed it', () => {
    const output = textOf({
      records: [
        leak({ kind: 'network', outcome: 'removed-elsewhere', source: 'spec/a.spec.ts:7' }),
        leak({ kind: 'compose-project', name: 'shop', outcome: 'removed-by-code' }),
        leak({ state: 'left', outcome: undefined, lastLook: 'there' }),
        leak({ state: 'left', outcome: undefined, lastLook: 'unknown' }),
      ],
    });
    for (const text of [
      'network.stop()',
      'environment.down()',
      'by another client',
      'late',
      'NOT REMOVED',
      'UNKNOWN',
      'file:spec/a.spec.ts',
    ])
      expect(output).toContain(text);
  });

  it('lists what could not be removed, with the error and how to remove it', () => {
    const failure = 'remove container web (cccccccccccc): 500 driver failed to remove root filesystem';
    const records = [
      record({ id: shownId, name: 'web', test: 'orders', source: 'a.spec.ts:3', state: 'left', failure }),
    ];
    expect(textOf({ records, left: [{ kind: 'container', id: shownId }] })).toBe(
      [
        'castoff: 1 resource of this run could not be removed',
        "  container web (cccccccccccc), created in 'orders' (a.spec.ts:3): still on the engine",
        `    ${failure}`,
        "  List what is left with 'npx castoff ls', and remove it with 'npx castoff sweep'.",
        '',
      ].join('\n'),
    );
    const textWith = (lastLook: 'gone' | 'unknown') =>
      textOf({ records: records.map((one) => ({ ...one, lastLook })) });
    expect(textWith('gone')).toContain('(a.spec.ts:3): gone at the end of the run\n');
    expect(textWith('unknown')).toContain('castoff: 1 resource of this run may still exist\n');
    expect(textWith('unknown')).toContain(
      '(a.spec.ts:3): may still exist, the engine did not confirm its removal\n',
    );
    expect(textWith('unknown')).not.toContain('gone');
  });

  it('reports that a dead worker left nothing only if every removal is confirmed', () => {
    const records = [record({ isOrphan: true, state: 'left', lastLook: 'unknown' })];
    expect(textOf({ records, deadWorkers: 1 })).toContain('castoff: a worker died while running its tests\n');
    expect(textOf({ deadWorkers: 1 })).toContain('its tests; it left nothing\n');
  });

  it('lists every failure, and the resources of a dead worker', () => {
    const text = textOf({
      records: [record({ id: shownId, name: 'web', test: 'orders', isOrphan: true })],
      failures: [new Error('close the line: EPIPE')],
      deadWorkers: 1,
    });
    expect(text).toContain('castoff: 1 error while closing the run\n  close the line: EPIPE\n');
    expect(text).toContain('a worker died while running its tests; its resources have been removed');
    expect(text).toContain("  container web (cccccccccccc), created in 'orders'\n");
  });

  it('excepts kept resources from the summary', () => {
    const records = [record(), record({ name: 'web', test: 'orders', state: 'kept' })];
    expect(textOf({ records })).toBe('castoff: 2 containers, all gone except 1 kept\n');
  });

  it('has colours only if the terminal does', () => {
    const verdict = judge({ records: [leak()], failures: [], left: [] }, { leaks: 'fail', ignore: [] });
    const red = '\u001b[31mcastoff: 1 leak';
    expect(formatVerdict(verdict, { columns: 120, hasColour: true })).toContain(red);
    expect(formatVerdict(verdict, { columns: 120, hasColour: false })).not.toContain('\u001b');
  });

  it('has no control characters of a name', () => {
    const malicious = '\u001b[2Jweb';
    const text = textOf({
      records: [
        leak({ name: malicious, test: malicious }),
        record({ name: malicious, state: 'left', failure: malicious }),
      ],
    });
    expect(text).not.toContain('\u001b');
  });

  it('shortens a long table on a terminal, and counts the rows that are missing', () => {
    const records = Array.from({ length: 213 }, (_, at) => leak({ name: `web-${at}` }));
    const text = textOf({ records });
    expect(text).toContain('213 leaks');
    expect(text).toContain('  … and 163 more\n');
    expect(text.split('\n').length).toBeLessThan(70);
  });

  it('shortens nothing outside of a terminal', () => {
    const long = (letter: string): string => letter.repeat(2_000);
    const records = Array.from({ length: 60 }, (_, at) =>
      leak({
        name: long('n'),
        image: long('i'),
        test: `${long('t')}-${at}`,
        source: `${long('s')}.js:${at}`,
      }),
    );
    const failure = long('f');
    const left = Array.from({ length: 30 }, () => record({ state: 'left', lastLook: 'there', failure }));
    const verdict = judge(
      { records: [...records, ...left], failures: [], left: [] },
      { leaks: 'fail', ignore: [] },
    );
    const text = formatVerdict(verdict, { columns: undefined, hasColour: false });
    for (const { test = '', source = '' } of records.map(({ owner }) => owner))
      expect(text).toContain(`${long('i')}  ${test}${' '.repeat(/-\d$/.test(test) ? 1 : 0)}  ${source} `);
    expect(text.split(failure)).toHaveLength(left.length + 1);
    expect(text).not.toContain('more\n');
  });

  it('never shortens a source, even on a narrow terminal', () => {
    const folder = 'packages/order-service/test/integration/checkout';
    const sources = ['cancel-order.spec.js:12', 'create-order.spec.js:123'].map(
      (file) => `${folder}/${file}`,
    );
    const text = textOf(
      { records: sources.map((source) => leak({ source, test: 'creates an order' })) },
      {},
      80,
    );
    for (const source of sources) expect(text).toContain(`  ${source} `);
  });

  it('shows two leaks with long similar names as different rows', () => {
    const anyEnd = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 12, maxLength: 12 });
    fc.assert(
      fc.property(fc.uniqueArray(anyEnd, { minLength: 2, maxLength: 20 }), (middles) => {
        const same = { test: 'is the same test', source: 'a.spec.ts:1' };
        const records = middles.map((middle) =>
          leak({ ...same, name: `${'x'.repeat(60)}${middle}${'y'.repeat(60)}`, id: undefined }),
        );
        const rows = textOf({ records }, {}, 80)
          .split('\n')
          .filter((line) => line.startsWith('  container '));
        expect(new Set(rows).size).toBe(records.length);
      }),
      { numRuns: 50 },
    );
  });

  it('fits its table into the terminal, except for the source, with names of any length', () => {
    const long = fc.option(fc.string({ maxLength: 300 }), { nil: undefined });
    const names = fc.record({ name: long, image: long, test: long, source: long });
    fc.assert(
      fc.property(
        fc.array(names, { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 80, max: 200 }),
        (records, columns) => {
          const text = textOf({ records: records.map((facts) => leak(facts)) }, {}, columns);
          const table = text.split('\n').filter((line) => line.startsWith('  '));
          const rows = table.slice(0, records.length + 1);
          const widest = Math.max(...records.map(({ source }) => source?.length ?? 0));
          // All other columns at their narrowest, gaps and indent.
          for (const row of rows) expect(row.length).toBeLessThanOrEqual(Math.max(columns, 60 + widest));
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe('fitting text to a width', () => {
  it('cuts the middle of a long text', () => {
    expect(shortenMiddle('castoff-spec/busybox:1', 12)).toBe('castof…box:1');
    expect(shortenMiddle('short', 5)).toBe('short');
    expect(shortenMiddle('short', 1)).toBe('…');
  });

  it('shrinks the widest column first, and none below its minimum', () => {
    const columns = [
      { natural: 40, least: 10 },
      { natural: 20, least: 18 },
      { natural: 5, least: 5 },
    ];
    expect(fitWidths(columns, 65)).toEqual([40, 20, 5]);
    expect(fitWidths(columns, 45)).toEqual([20, 20, 5]);
    expect(fitWidths(columns, 40)).toEqual([17, 18, 5]);
    expect(fitWidths(columns, 20)).toEqual([10, 18, 5]);
  });

  it('wraps lines between words', () => {
    expect(wrapWords('one two three', 7)).toEqual(['one two', 'three']);
    expect(wrapWords('unbreakable a', 3)).toEqual(['unbreakable', 'a']);
  });
});
