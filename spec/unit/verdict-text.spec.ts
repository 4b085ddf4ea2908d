import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fitWidths, shortenMiddle, wrapWords } from '../../lib/verdict/fit-text';
import { formatVerdict } from '../../lib/verdict/format-verdict';
import { judge } from '../../lib/verdict/judge';
import type { LeakSettings, RunEnd } from '../../lib/verdict/verdict';
import { leak, shownId, thing } from '../support/thing-records';

function textOf(
  end: Partial<RunEnd>,
  settings: Partial<LeakSettings> = {},
  columns: number | undefined = 120,
): string {
  const verdict = judge(
    { things: [], failures: [], left: [], ...end },
    { leaks: 'fail', ignore: [], ...settings },
  );
  return formatVerdict(verdict, { columns, hasColour: false });
}

describe('the verdict in words', () => {
  it('is nothing where nothing came to exist', () => {
    expect(textOf({ things: [thing({ outcome: 'never-created' })] })).toBe('');
  });

  it('is one quiet line where all is well', () => {
    const things = [thing(), thing(), thing({ kind: 'network' })];
    expect(textOf({ things })).toBe('castoff: 2 containers, 1 network, all gone\n');
    expect(textOf({ things: [...things, leak({ name: 'web' })] }, { ignore: ['web'] })).toBe(
      'castoff: 3 containers, 1 network, all gone (1 leak ignored)\n',
    );
  });

  it('names a leak with its test, its line, its life and its end, and says what to do', () => {
    const web = leak({
      id: shownId,
      name: 'web',
      image: 'redis:7',
      test: 'orders are found',
      source: 'spec/a.spec.ts:12',
    });
    expect(textOf({ things: [web, thing()] })).toBe(
      [
        'castoff: 1 leak among 2 containers: still present after its test file finished, and not owned by a scope',
        '',
        '  RESOURCE                      IMAGE    TEST              SOURCE             LIFETIME  REMOVED',
        '  container web (cccccccccccc)  redis:7  orders are found  spec/a.spec.ts:12  3.2 s     by castoff',
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

  it('says how to remove each kind that leaked, and how the leaks are gone', () => {
    const text = textOf({
      things: [
        leak({ kind: 'network', outcome: 'removed-elsewhere', source: 'spec/a.spec.ts:7' }),
        leak({ kind: 'compose-project', name: 'shop', outcome: 'removed-by-code' }),
        leak({ state: 'left', outcome: undefined, lastLook: 'there' }),
        leak({ state: 'left', outcome: undefined, lastLook: 'unknown' }),
      ],
    });
    for (const words of [
      'network.stop()',
      'environment.down()',
      'by another client',
      'late',
      'NOT REMOVED',
      'UNKNOWN',
      'file:spec/a.spec.ts',
    ])
      expect(text).toContain(words);
  });

  it('tells what could not be removed, why, and how to get rid of it', () => {
    const failure = 'remove container web (cccccccccccc): 500 driver failed to remove root filesystem';
    const things = [
      thing({ id: shownId, name: 'web', test: 'orders', source: 'a.spec.ts:3', state: 'left', failure }),
    ];
    expect(textOf({ things, left: [{ kind: 'container', id: shownId }] })).toBe(
      [
        'castoff: 1 resource of this run could not be removed',
        "  container web (cccccccccccc), created in 'orders' (a.spec.ts:3): still on the engine",
        `    ${failure}`,
        "  List what is left with 'npx castoff ls', and remove it with 'npx castoff sweep'.",
        '',
      ].join('\n'),
    );
    const look = (lastLook: 'gone' | 'unknown') =>
      textOf({ things: things.map((one) => ({ ...one, lastLook })) });
    expect(look('gone')).toContain('(a.spec.ts:3): gone at the end of the run\n');
    expect(look('unknown')).toContain('castoff: 1 resource of this run may still exist\n');
    expect(look('unknown')).toContain(
      '(a.spec.ts:3): may still exist, the engine did not confirm its removal\n',
    );
    expect(look('unknown')).not.toContain('gone');
  });

  it('does not say that a dead worker left nothing while something is not known to be gone', () => {
    const things = [thing({ isOrphan: true, state: 'left', lastLook: 'unknown' })];
    expect(textOf({ things, deadWorkers: 1 })).toContain('castoff: a worker died while running its tests\n');
    expect(textOf({ deadWorkers: 1 })).toContain('its tests; it left nothing\n');
  });

  it('tells every failure, and what a dead worker left', () => {
    const text = textOf({
      things: [thing({ id: shownId, name: 'web', test: 'orders', isOrphan: true })],
      failures: [new Error('close the line: EPIPE')],
      deadWorkers: 1,
    });
    expect(text).toContain('castoff: 1 error while closing the run\n  close the line: EPIPE\n');
    expect(text).toContain('a worker died while running its tests; its resources have been removed');
    expect(text).toContain("  container web (cccccccccccc), created in 'orders'\n");
  });

  it('does not call gone what is kept', () => {
    const things = [thing(), thing({ name: 'web', test: 'orders', state: 'kept' })];
    expect(textOf({ things })).toBe('castoff: 2 containers, all gone except 1 kept\n');
  });

  it('shows colours only where there are some', () => {
    const verdict = judge({ things: [leak()], failures: [], left: [] }, { leaks: 'fail', ignore: [] });
    const red = '\u001b[31mcastoff: 1 leak';
    expect(formatVerdict(verdict, { columns: 120, hasColour: true })).toContain(red);
    expect(formatVerdict(verdict, { columns: 120, hasColour: false })).not.toContain('\u001b');
  });

  it('lets no name steer the terminal', () => {
    const evil = '\u001b[2Jweb';
    const text = textOf({
      things: [leak({ name: evil, test: evil }), thing({ name: evil, state: 'left', failure: evil })],
    });
    expect(text).not.toContain('\u001b');
  });

  it('ends after so many rows, and says how many there are more', () => {
    const things = Array.from({ length: 213 }, (_, at) => leak({ name: `web-${at}` }));
    const text = textOf({ things });
    expect(text).toContain('213 leaks');
    expect(text).toContain('  … and 163 more\n');
    expect(text.split('\n').length).toBeLessThan(70);
  });

  it('cuts nothing where it is not written on a terminal', () => {
    const long = (letter: string): string => letter.repeat(2_000);
    const things = Array.from({ length: 60 }, (_, at) =>
      leak({
        name: long('n'),
        image: long('i'),
        test: `${long('t')}-${at}`,
        source: `${long('s')}.js:${at}`,
      }),
    );
    const failure = long('f');
    const left = Array.from({ length: 30 }, () => thing({ state: 'left', lastLook: 'there', failure }));
    const verdict = judge(
      { things: [...things, ...left], failures: [], left: [] },
      { leaks: 'fail', ignore: [] },
    );
    const text = formatVerdict(verdict, { columns: undefined, hasColour: false });
    for (const { test = '', source = '' } of things)
      expect(text).toContain(`${long('i')}  ${test}${' '.repeat(/-\d$/.test(test) ? 1 : 0)}  ${source} `);
    expect(text.split(failure)).toHaveLength(left.length + 1);
    expect(text).not.toContain('more\n');
  });

  it('never cuts a line, however narrow the terminal is', () => {
    const folder = 'packages/order-service/test/integration/checkout';
    const sources = ['cancel-order.spec.js:12', 'create-order.spec.js:123'].map(
      (file) => `${folder}/${file}`,
    );
    const text = textOf(
      { things: sources.map((source) => leak({ source, test: 'creates an order' })) },
      {},
      80,
    );
    for (const source of sources) expect(text).toContain(`  ${source} `);
  });

  it('shows no two leaks alike, however long what they share is', () => {
    const anyEnd = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 12, maxLength: 12 });
    fc.assert(
      fc.property(fc.uniqueArray(anyEnd, { minLength: 2, maxLength: 20 }), (middles) => {
        const same = { test: 'is the same test', source: 'a.spec.ts:1' };
        const things = middles.map((middle) =>
          leak({ ...same, name: `${'x'.repeat(60)}${middle}${'y'.repeat(60)}`, id: undefined }),
        );
        const rows = textOf({ things }, {}, 80)
          .split('\n')
          .filter((line) => line.startsWith('  container '));
        expect(new Set(rows).size).toBe(things.length);
      }),
      { numRuns: 50 },
    );
  });

  it('keeps its table within the paper but for the line, however long the names are', () => {
    const long = fc.option(fc.string({ maxLength: 300 }), { nil: undefined });
    const names = fc.record({ name: long, image: long, test: long, source: long });
    fc.assert(
      fc.property(
        fc.array(names, { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 80, max: 200 }),
        (records, columns) => {
          const text = textOf({ things: records.map((record) => leak(record)) }, {}, columns);
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

describe('a text that has to fit', () => {
  it('loses its middle', () => {
    expect(shortenMiddle('castoff-spec/busybox:1', 12)).toBe('castof…box:1');
    expect(shortenMiddle('short', 5)).toBe('short');
    expect(shortenMiddle('short', 1)).toBe('…');
  });

  it('gets columns of which the widest gives way, none below its least', () => {
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

  it('breaks between words', () => {
    expect(wrapWords('one two three', 7)).toEqual(['one two', 'three']);
    expect(wrapWords('unbreakable a', 3)).toEqual(['unbreakable', 'a']);
  });
});
