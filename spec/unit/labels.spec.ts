import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  isReaper,
  labelNames,
  ownerFromLabels,
  ownershipLabels,
  type Owner,
  type Ownership,
} from '../../lib/core/labels';

const anyText = fc.string({ unit: 'grapheme', maxLength: 20 });
const anyOwner: fc.Arbitrary<Owner> = fc.record(
  {
    host: anyText,
    machine: anyText,
    pid: fc.integer({ min: 1 }),
    boot: anyText,
    pidStart: anyText,
    pidNamespace: anyText,
    run: anyText,
  },
  { requiredKeys: ['host', 'pid'] },
);
const anyOwnership: fc.Arbitrary<Ownership> = fc.record(
  {
    session: anyText,
    owner: anyOwner,
    createdAt: fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('9999-12-31') }),
    scope: anyText,
    start: anyText,
    test: anyText,
    source: anyText,
  },
  { requiredKeys: ['session', 'owner', 'createdAt'] },
);

describe('the labels of a created resource', () => {
  it('identify the owner', () => {
    fc.assert(
      fc.property(anyOwnership, (ownership) => {
        expect(ownerFromLabels(ownershipLabels(ownership))).toEqual(ownership.owner);
      }),
    );
  });

  it('have the creation time in RFC 3339', () => {
    fc.assert(
      fc.property(anyOwnership, (ownership) => {
        const created = ownershipLabels(ownership)[labelNames.created] ?? '';
        expect(created).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
        expect(new Date(created)).toEqual(ownership.createdAt);
      }),
    );
  });

  it('leave out unknown values', () => {
    fc.assert(
      fc.property(anyOwnership, (ownership) => {
        const labels = ownershipLabels(ownership);
        const optional = ['scope', 'start', 'test', 'source'] as const;
        for (const what of optional) expect(labels[labelNames[what]]).toBe(ownership[what]);
        for (const value of Object.values(labels)) expect(typeof value).toBe('string');
      }),
    );
  });

  it('have the names that other programs rely on', () => {
    const labels = ownershipLabels({
      session: 's',
      scope: 'file > test',
      start: 'a1',
      test: 'works',
      source: 'spec/a.spec.ts:3',
      createdAt: new Date('2026-11-21T08:00:00Z'),
      owner: {
        host: 'ci-1',
        machine: 'm-1',
        boot: 'b-1',
        pid: 42,
        pidStart: '17',
        pidNamespace: '4026531836',
        run: '99',
      },
    });
    expect(labels).toEqual({
      'castoff.session': 's',
      'castoff.scope': 'file > test',
      'castoff.start': 'a1',
      'castoff.test': 'works',
      'castoff.source': 'spec/a.spec.ts:3',
      'castoff.created': '2026-11-21T08:00:00.000Z',
      'castoff.host': 'ci-1',
      'castoff.machine': 'm-1',
      'castoff.boot': 'b-1',
      'castoff.pid': '42',
      'castoff.pid-start': '17',
      'castoff.pid-ns': '4026531836',
      'castoff.run': '99',
    });
  });
});

describe('labels without an owner', () => {
  it.each<[string, Readonly<Record<string, string>>]>([
    ['no labels', {}],
    ['no host', { 'castoff.pid': '42' }],
    ['no pid', { 'castoff.host': 'ci-1' }],
    ['an empty pid', { 'castoff.host': 'ci-1', 'castoff.pid': '' }],
    ['a pid of zero, which means every process', { 'castoff.host': 'ci-1', 'castoff.pid': '0' }],
    ['a negative pid, which means a group', { 'castoff.host': 'ci-1', 'castoff.pid': '-1' }],
    ['a fractional pid', { 'castoff.host': 'ci-1', 'castoff.pid': '4.2' }],
    ['a pid that is not a number', { 'castoff.host': 'ci-1', 'castoff.pid': 'forty-two' }],
  ])('include those with %s', (_what, labels) => {
    expect(ownerFromLabels(labels)).toBeUndefined();
  });
});

describe('isReaper', () => {
  it.each<[string, Record<string, string>, boolean]>([
    ['a resource with a session', { 'castoff.session': 'a' }, false],
    ['a reaper of castoff', { 'castoff.session': 'a', 'castoff.reaper': 'true' }, true],
    ['a Ryuk', { 'castoff.session': 'a', 'org.testcontainers.ryuk': 'true' }, true],
    [
      'a resource whose reaper labels are false',
      { 'castoff.reaper': 'false', 'org.testcontainers.ryuk': 'no' },
      false,
    ],
  ])('judges %s (%j): %s', (_name, labels, isOne) => {
    expect(isReaper(labels)).toBe(isOne);
  });
});
