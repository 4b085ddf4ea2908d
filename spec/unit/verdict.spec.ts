import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { judge } from '../../lib/verdict/judge';
import type { LeakSettings, RunEnd, ResourceRecord } from '../../lib/verdict/verdict';
import { verdictJson } from '../../lib/verdict/verdict-json';
import { leak, shownId, thing } from '../support/thing-records';

const strict: LeakSettings = { leaks: 'fail', ignore: [] };

function judged(end: Partial<RunEnd>, settings: Partial<LeakSettings> = {}) {
  return judge({ things: [], failures: [], left: [], ...end }, { ...strict, ...settings });
}

describe('the verdict on a run', () => {
  it('is well for nothing at all', () => {
    expect(judged({})).toMatchObject({ counts: {}, leaks: [], left: [], isFailure: false });
  });

  it('counts what came to exist, kind by kind', () => {
    const things = [
      thing(),
      thing({ origin: 'scope' }),
      thing({ kind: 'network' }),
      thing({ kind: 'compose-project', id: undefined, name: 'shop' }),
      thing({ outcome: 'never-created' }),
      thing({ state: 'registered', id: undefined }),
    ];
    expect(judged({ things }).counts).toEqual({ container: 2, network: 1, 'compose-project': 1 });
  });

  it('fails for a raw thing that outlived its owner, though it is gone now', () => {
    const verdict = judged({ things: [thing(), leak({ name: 'web' })] });
    expect(verdict.leaks).toMatchObject([{ name: 'web' }]);
    expect(verdict.isFailure).toBe(true);
  });

  it('fails for a project that was left under the name of one that its own test had taken down', () => {
    const project = { kind: 'compose-project', id: 'shop', name: 'shop' } as const;
    const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second));
    const things = [
      thing({ ...project, outcome: 'removed-by-code', registeredAt: at(1), since: at(5) }),
      leak({ ...project, registeredAt: at(6), since: at(9) }),
    ];
    expect(judged({ things })).toMatchObject({ leaks: [{ name: 'shop' }], isFailure: true });
  });

  it.each<[string, ResourceRecord]>([
    ['was removed by its own code in time', thing({ outcome: 'removed-by-code' })],
    ['belongs to a scope', leak({ origin: 'scope' })],
    ['was left by a worker that died', leak({ isOrphan: true })],
    ['never came to exist', leak({ outcome: 'never-created' })],
  ])('does not fail for a thing that %s', (_, innocent) => {
    expect(judged({ things: [innocent] })).toMatchObject({ leaks: [], isFailure: false });
  });

  it("names leaks without failing for them with 'warn', and does neither with 'off'", () => {
    const things = [leak()];
    expect(judged({ things }, { leaks: 'warn' })).toMatchObject({ leaks: [{}], isFailure: false });
    expect(judged({ things }, { leaks: 'off' })).toMatchObject({ leaks: [], isFailure: false });
  });

  it("takes what raw code created and gave to a scope for one thing, the scope's", () => {
    const twins = [leak({ id: shownId }), thing({ id: shownId, origin: 'scope' })];
    expect(judged({ things: twins })).toMatchObject({
      counts: { container: 1 },
      leaks: [],
      isFailure: false,
    });
    const seenTwice = judged({ things: [leak({ id: shownId }), leak({ id: shownId })] });
    expect(seenTwice).toMatchObject({ counts: { container: 1 }, isFailure: true });
    expect(seenTwice.leaks).toHaveLength(1);
  });

  it('sets apart what an ignore rule lets be', () => {
    const things = [leak({ name: 'web' }), leak({ name: 'db' })];
    const some = judged({ things }, { ignore: ['container:db'] });
    expect(some).toMatchObject({ leaks: [{ name: 'web' }], ignored: [{ name: 'db' }], isFailure: true });
    expect(judged({ things }, { ignore: ['web', 'db'] })).toMatchObject({ leaks: [], isFailure: false });
  });

  it.each(['fail', 'warn', 'off'] as const)("fails with '%s' for what is still on the engine", (leaks) => {
    const things = [thing({ id: 'a'.repeat(64), origin: 'scope', test: 'orders', source: 'a.spec.ts:3' })];
    const left = [{ kind: 'container', id: 'a'.repeat(64), name: 'web' } as const];
    const verdict = judged({ things, left }, { leaks });
    expect(verdict.isFailure).toBe(true);
    expect(verdict.left).toMatchObject([
      { resource: { test: 'orders', source: 'a.spec.ts:3' }, lastLook: 'there' },
    ]);
  });

  it.each(['registered', 'present', 'cleaning', 'left', 'unknown'] as const)(
    'fails for a thing that was %s and that the engine did not tell of at the end, and does not call it gone',
    (state) => {
      const open = thing({ state, outcome: undefined, origin: 'scope' });
      for (const things of [[open], [{ ...open, lastLook: 'unknown' as const }]]) {
        const verdict = judged({ things });
        expect(verdict).toMatchObject({ left: [{ lastLook: 'unknown' }], isFailure: true });
        expect(verdictJson(verdict).left).toMatchObject([{ lastLook: 'unknown' }]);
      }
      const seen = judged({ things: [{ ...open, lastLook: 'gone' }] });
      expect(seen.left).toEqual(state === 'left' ? [expect.objectContaining({ lastLook: 'gone' })] : []);
    },
  );

  it('does not call a leak gone of which the engine did not tell', () => {
    const verdict = judged({ things: [leak({ state: 'left', lastLook: 'unknown', outcome: undefined })] });
    expect(verdictJson(verdict).leaks).toMatchObject([{ state: 'unknown' }]);
  });

  it('knows what is left of nobody by its labels', () => {
    const labels = {
      'castoff.test': 'orders',
      'castoff.source': 'a.spec.ts:3',
      'castoff.scope': 'a > orders',
    };
    const { left } = judged({ left: [{ kind: 'volume', id: 'data', name: 'data', labels }] });
    expect(left).toMatchObject([
      { resource: { kind: 'volume', id: 'data', test: 'orders', source: 'a.spec.ts:3' }, lastLook: 'there' },
    ]);
  });

  it('knows a thing of which only the name is known, of its own kind', () => {
    const things = [
      thing({ kind: 'network', id: undefined, name: 'shop' }),
      thing({ id: undefined, name: 'shop' }),
    ];
    const { left } = judged({ things, left: [{ kind: 'network', id: 'f1', name: 'shop' }] });
    expect(left).toHaveLength(1);
    expect(left[0]?.resource.kind).toBe('network');
  });

  it('fails for a removal that failed, also where a later one did not', () => {
    const failure = 'remove container web: 500';
    const verdict = judged({ things: [thing({ state: 'left', failure, lastLook: 'gone' })] });
    expect(verdict).toMatchObject({
      left: [{ failure, lastLook: 'gone' }],
      isFailure: true,
    });
  });

  it('tells a failure once: with its thing, or else by itself, to its leaves', () => {
    const things = [thing({ state: 'left', failure: 'remove container web: 500' })];
    const failures = [
      new Error('remove container web: 500'),
      new AggregateError([new Error('close the line: EPIPE'), 'a string'], 'several'),
    ];
    expect(judged({ things, failures }).failures).toEqual(['close the line: EPIPE', 'a string']);
    expect(judged({ failures: [undefined] })).toMatchObject({ failures: ['undefined'], isFailure: true });
  });

  it('spares what is kept, and names it', () => {
    const things = [thing({ id: 'b'.repeat(64), state: 'kept' })];
    const verdict = judged({ things, left: [{ kind: 'container', id: 'b'.repeat(64) }] });
    expect(verdict).toMatchObject({ kept: [{ state: 'kept' }], left: [], isFailure: false });
  });

  it('names what a dead worker left and is gone', () => {
    const things = [thing({ isOrphan: true }), thing({ isOrphan: true, outcome: 'never-created' })];
    expect(judged({ things, deadWorkers: 1 })).toMatchObject({
      orphans: [{}],
      deadWorkers: 1,
      isFailure: false,
    });
  });

  it('never loses a thing that leaked: it is a leak, ignored, or of another origin', () => {
    const anyThing = fc.record({
      origin: fc.constantFrom('scope', 'raw'),
      state: fc.constantFrom('present', 'cleaning', 'gone', 'left', 'unknown', 'kept'),
      lastLook: fc.constantFrom('there', 'gone', 'unknown', undefined),
      name: fc.constantFrom('web', 'db', undefined),
      isOrphan: fc.boolean(),
      leakedAt: fc.constantFrom(new Date(), undefined),
    });
    fc.assert(
      fc.property(fc.array(anyThing), fc.subarray(['web', 'd*']), (records, ignore) => {
        const things = records.map((record) => thing(record as Partial<ResourceRecord>));
        const { leaks, ignored, isFailure } = judged({ things }, { ignore });
        const guilty = things.filter(
          ({ origin, leakedAt, isOrphan }) => origin === 'raw' && leakedAt !== undefined && !isOrphan,
        );
        expect(new Set([...leaks, ...ignored])).toEqual(new Set(guilty));
        expect(leaks.length + ignored.length).toBe(guilty.length);
        const isWell = ({ state, lastLook }: ResourceRecord): boolean =>
          state === 'gone' || state === 'kept' || (state !== 'left' && lastLook === 'gone');
        expect(isFailure).toBe(leaks.length > 0 || !things.every((one) => isWell(one)));
      }),
    );
  });
});

describe('the verdict as JSON', () => {
  it('tells a program what a person is told', () => {
    const things = [
      leak({ id: shownId, name: 'web', image: 'redis:7', test: 'orders', source: 'a.spec.ts:3' }),
    ];
    const json: unknown = JSON.parse(JSON.stringify(verdictJson(judged({ things }))));
    expect(json).toEqual({
      version: 1,
      isFailure: true,
      leakMode: 'fail',
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
