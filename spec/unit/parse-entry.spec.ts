import { describe, expect, it } from '@jest/globals';
import { parseEntry } from '../../lib/registry/parse-entry';

const json = {
  key: '0a1b',
  kind: 'volume',
  owner: { scope: 'a.test.ts' },
  origin: 'raw',
  registeredAt: '2026-08-01T10:00:00.000Z',
  state: 'present',
  since: '2026-08-01T10:00:01.000Z',
};
const entry = { ...json, registeredAt: new Date(json.registeredAt), since: new Date(json.since) };

describe('parseEntry', () => {
  it.each(Object.keys(json))('returns undefined for an entry without %s', (name) => {
    expect(parseEntry({ ...json, [name]: undefined })).toBeUndefined();
  });

  it.each([
    { kind: 'pod' },
    { state: 'toString' },
    { origin: 1 },
    { owner: { test: 'has no scope' } },
    { owner: 'a.test.ts' },
    { since: 'yesterday' },
    { registeredAt: 0 },
  ])('returns undefined for an entry with an invalid field: %j', (field) => {
    expect(parseEntry({ ...json, ...field })).toBeUndefined();
  });

  it('leaves out optional fields that are invalid or unknown', () => {
    expect(parseEntry({ ...json, name: 7, leakedAt: 'late', colour: 'red' })).toEqual(entry);
  });

  it('limits an entry with invalid bounds to nothing, instead of to everything', () => {
    expect(parseEntry({ ...json, bounds: { only: 'all' } })).toEqual({ ...entry, bounds: { only: [] } });
  });

  it.each([undefined, null, 'text', 7, []])('returns undefined for %j', (value) => {
    expect(parseEntry(value)).toBeUndefined();
  });
});
