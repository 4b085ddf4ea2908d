import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { judge } from '../../lib/verdict/judge';
import type { LeakSettings, RunEnd, ResourceRecord } from '../../lib/verdict/verdict';
import { verdictJson } from '../../lib/verdict/verdict-json';
import { leak, openHandle, shownId, record } from '../support/resource-records';

const strict: LeakSettings = { leaks: 'fail', ignore: [] };

function judged(end: Partial<RunEnd>, settings: Partial<LeakSettings> = {}) {
  return judge({ records: [], failures: [], left: [], ...end }, { ...strict, ...settings });
}

describe('a verdict', () => {
  it('passes a run that created nothing', () => {
    expect(judged({})).toMatchObject({ counts: {}, leaks: [], left: [], isFailure: false });
  });

  it('counts the resources that were created, by kind', () => {
    const records = [
      record(),
      record({ origin: 'scope' }),
      record({ kind: 'network' }),
      record({ kind: 'compose-project', id: undefined, name: 'shop' }),
      record({ outcome: 'never-created' }),
      record({ state: 'registered', id: undefined }),
    ];
    expect(judged({ records }).counts).toEqual({ container: 2, network: 1, 'compose-project': 1 });
  });

  it('fails a run for a resource without a scope that outlived its owner, even if it is removed now', () => {
    const verdict = judged({ records: [record(), leak({ name: 'web' })] });
    expect(verdict.leaks).toMatchObject([{ name: 'web' }]);
    expect(verdict.isFailure).toBe(true);
  });

  it('fails a run for a Compose project that reuses the name of one that its test removed', () => {
    const project = { kind: 'compose-project', id: 'shop', name: 'shop' } as const;
    const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second));
    const records = [
      record({ ...project, outcome: 'removed-by-code', registeredAt: at(1), since: at(5) }),
      leak({ ...project, registeredAt: at(6), since: at(9) }),
    ];
    expect(judged({ records })).toMatchObject({ leaks: [{ name: 'shop' }], isFailure: true });
  });

  it.each<[string, ResourceRecord]>([
    ['was removed in time by its own code', record({ outcome: 'removed-by-code' })],
    ['belongs to a scope', leak({ origin: 'scope' })],
    ['was left by a dead worker', leak({ isOrphan: true })],
    ['was never created', leak({ outcome: 'never-created' })],
  ])('passes a run with a resource that %s', (_, innocent) => {
    expect(judged({ records: [innocent] })).toMatchObject({ leaks: [], isFailure: false });
  });

  it("lists leaks but passes with 'warn', and does not list them with 'off'", () => {
    const records = [leak()];
    expect(judged({ records }, { leaks: 'warn' })).toMatchObject({ leaks: [{}], isFailure: false });
    expect(judged({ records }, { leaks: 'off' })).toMatchObject({ leaks: [], isFailure: false });
  });

  it('counts a resource that code created and then gave to a scope once, as owned by the scope', () => {
    const duplicates = [leak({ id: shownId }), record({ id: shownId, origin: 'scope' })];
    expect(judged({ records: duplicates })).toMatchObject({
      counts: { container: 1 },
      leaks: [],
      isFailure: false,
    });
    const seenTwice = judged({ records: [leak({ id: shownId }), leak({ id: shownId })] });
    expect(seenTwice).toMatchObject({ counts: { container: 1 }, isFailure: true });
    expect(seenTwice.leaks).toHaveLength(1);
  });

  it("lists open handles, and fails only with handles: 'fail'", () => {
    const end = { handles: [openHandle()] };
    expect(judged(end)).toMatchObject({ handles: [{ kind: 'interval' }], isFailure: false });
    expect(judged(end, { handles: 'fail' })).toMatchObject({ handles: [{}], isFailure: true });
    expect(judged(end, { handles: 'off' })).toMatchObject({ handles: [], isFailure: false });
    expect(judged({}, { handles: 'fail' })).toMatchObject({ handles: [], isFailure: false });
  });

  it('does not list handles whose test or file matches an ignore pattern', () => {
    const end = {
      handles: [openHandle({ test: 'polls' }), openHandle({ test: 'listens', source: undefined })],
    };
    const withIgnored = (pattern: string) => judged(end, { handles: 'fail', ignore: [pattern] });
    expect(withIgnored('test:poll*')).toMatchObject({ handles: [{ test: 'listens' }], isFailure: true });
    expect(withIgnored('file:spec/a*')).toMatchObject({ handles: [{ test: 'listens' }] });
    expect(withIgnored('test:*')).toMatchObject({ handles: [], isFailure: false });
    expect(withIgnored('polls').handles).toHaveLength(2);
  });

  it('lists leaks that match an ignore pattern separately', () => {
    const records = [leak({ name: 'web' }), leak({ name: 'db' })];
    const some = judged({ records }, { ignore: ['container:db'] });
    expect(some).toMatchObject({ leaks: [{ name: 'web' }], ignored: [{ name: 'db' }], isFailure: true });
    expect(judged({ records }, { ignore: ['web', 'db'] })).toMatchObject({ leaks: [], isFailure: false });
  });

  it.each(['fail', 'warn', 'off'] as const)(
    "fails a run with '%s' for a resource that is still on the engine",
    (leaks) => {
      const records = [
        record({ id: 'a'.repeat(64), origin: 'scope', test: 'orders', source: 'a.spec.ts:3' }),
      ];
      const left = [{ kind: 'container', id: 'a'.repeat(64), name: 'web' } as const];
      const verdict = judged({ records, left }, { leaks });
      expect(verdict.isFailure).toBe(true);
      expect(verdict.left).toMatchObject([
        { owner: { test: 'orders', source: 'a.spec.ts:3' }, lastLook: 'there' },
      ]);
    },
  );

  it.each(['registered', 'present', 'cleaning', 'left', 'unknown'] as const)(
    'fails a run for a resource that was %s and whose removal the engine did not confirm, and reports it as unknown',
    (state) => {
      const open = record({ state, outcome: undefined, origin: 'scope' });
      for (const records of [[open], [{ ...open, lastLook: 'unknown' as const }]]) {
        const verdict = judged({ records });
        expect(verdict).toMatchObject({ left: [{ lastLook: 'unknown' }], isFailure: true });
        expect(verdictJson(verdict).left).toMatchObject([{ lastLook: 'unknown' }]);
      }
      const seen = judged({ records: [{ ...open, lastLook: 'gone' }] });
      expect(seen.left).toEqual(state === 'left' ? [expect.objectContaining({ lastLook: 'gone' })] : []);
    },
  );

  it('reports a leak as unknown if the engine did not confirm its removal', () => {
    const verdict = judged({ records: [leak({ state: 'left', lastLook: 'unknown', outcome: undefined })] });
    expect(verdictJson(verdict).leaks).toMatchObject([{ state: 'unknown' }]);
  });

  it('describes a resource without a record by its labels', () => {
    const labels = {
      'castoff.test': 'orders',
      'castoff.source': 'a.spec.ts:3',
      'castoff.scope': 'a > orders',
    };
    const { left } = judged({ left: [{ kind: 'volume', id: 'data', name: 'data', labels }] });
    expect(left).toMatchObject([
      { kind: 'volume', id: 'data', owner: { test: 'orders', source: 'a.spec.ts:3' }, lastLook: 'there' },
    ]);
  });

  it('matches a resource without an id by its kind and name', () => {
    const records = [
      record({ kind: 'network', id: undefined, name: 'shop' }),
      record({ id: undefined, name: 'shop' }),
    ];
    const { left } = judged({ records, left: [{ kind: 'network', id: 'f1', name: 'shop' }] });
    expect(left).toHaveLength(1);
    expect(left[0]?.kind).toBe('network');
  });

  it('fails a run for a removal that failed, even if a later one succeeded', () => {
    const failure = 'remove container web: 500';
    const verdict = judged({ records: [record({ state: 'left', failure, lastLook: 'gone' })] });
    expect(verdict).toMatchObject({
      left: [{ failure, lastLook: 'gone' }],
      isFailure: true,
    });
  });

  it('lists each failure once, by its leaves, unless an unremoved resource already reports it', () => {
    const records = [record({ state: 'left', failure: 'remove container web: 500' })];
    const failures = [
      new Error('remove container web: 500'),
      new AggregateError([new Error('close the line: EPIPE'), 'a string'], 'several'),
    ];
    expect(judged({ records, failures }).failures).toEqual(['close the line: EPIPE', 'a string']);
    expect(judged({ failures: [undefined] })).toMatchObject({ failures: ['undefined'], isFailure: true });
  });

  it('lists kept resources, and passes', () => {
    const records = [record({ id: 'b'.repeat(64), state: 'kept' })];
    const verdict = judged({ records, left: [{ kind: 'container', id: 'b'.repeat(64) }] });
    expect(verdict).toMatchObject({ kept: [{ state: 'kept' }], left: [], isFailure: false });
  });

  it('lists the removed resources of a dead worker', () => {
    const records = [record({ isOrphan: true }), record({ isOrphan: true, outcome: 'never-created' })];
    expect(judged({ records, deadWorkers: 1 })).toMatchObject({
      orphans: [{}],
      deadWorkers: 1,
      isFailure: false,
    });
  });

  it('lists every resource without a scope that outlived its owner as a leak, ignored or not', () => {
    const anyFacts = fc.record({
      origin: fc.constantFrom('scope', 'raw'),
      state: fc.constantFrom('present', 'cleaning', 'gone', 'left', 'unknown', 'kept'),
      lastLook: fc.constantFrom('there', 'gone', 'unknown', undefined),
      name: fc.constantFrom('web', 'db', undefined),
      isOrphan: fc.boolean(),
      leakedAt: fc.constantFrom(new Date(), undefined),
    });
    fc.assert(
      fc.property(fc.array(anyFacts), fc.subarray(['web', 'd*']), (facts, ignore) => {
        const records = facts.map((each) => record(each as Partial<ResourceRecord>));
        const { leaks, ignored, isFailure } = judged({ records }, { ignore });
        const leaked = records.filter(
          ({ origin, leakedAt, isOrphan }) => origin === 'raw' && leakedAt !== undefined && !isOrphan,
        );
        expect(new Set([...leaks, ...ignored])).toEqual(new Set(leaked));
        expect(leaks.length + ignored.length).toBe(leaked.length);
        const isFine = ({ state, lastLook }: ResourceRecord): boolean =>
          state === 'gone' || state === 'kept' || (state !== 'left' && lastLook === 'gone');
        expect(isFailure).toBe(leaks.length > 0 || !records.every((one) => isFine(one)));
      }),
    );
  });
});

describe('the JSON report', () => {
  it('has all properties of a leak', () => {
    const records = [
      leak({ id: shownId, name: 'web', image: 'redis:7', test: 'orders', source: 'a.spec.ts:3' }),
    ];
    const json: unknown = JSON.parse(JSON.stringify(verdictJson(judged({ records }))));
    expect(json).toEqual({
      version: 1,
      isFailure: true,
      leakMode: 'fail',
      handleMode: 'report',
      handles: [],
      counts: { container: 1 },
      leaks: [
        {
          kind: 'container',
          id: shownId,
          name: 'web',
          image: 'redis:7',
          scope: 'a.spec.ts',
          test: 'orders',
          source: 'a.spec.ts:3',
          createdAt: '2026-11-21T12:00:00.000Z',
          livedMs: 3_200,
          state: 'gone',
          outcome: 'removed',
        },
      ],
      ignoredLeaks: [],
      deadWorkers: 0,
      died: [],
      orphans: [],
      kept: [],
      left: [],
      failures: [],
    });
  });
});
