import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { labelValue } from '../../lib/core/label-value';
import { labelNames, ownershipLabels } from '../../lib/core/labels';

it('is the unchanged text up to 512 bytes', () => {
  for (const text of ['orders pays "twice" \\ $HOME', 'ü'.repeat(256), ''])
    expect(labelValue(text)).toBe(text);
});

it('is the start of a longer text, cut between two characters, and a hash of the full text', () => {
  expect(labelValue(`${'a'.repeat(496)}💥${'b'.repeat(600)}`)).toMatch(/^a{496}…[0-9a-f]{12}$/);
  expect(labelValue('a'.repeat(513))).not.toBe(labelValue('a'.repeat(514)));
});

it('has no NUL and no lone surrogate', () => {
  expect(labelValue('a\0b \uD83D c')).toBe('a\uFFFDb \uFFFD c');
});

it('is well-formed, short and idempotent for every text', () => {
  const texts = fc.string({ unit: 'binary', maxLength: 2_000, size: 'max' });
  fc.assert(
    fc.property(texts, (text) => {
      const value = labelValue(text);
      expect(Buffer.byteLength(value)).toBeLessThanOrEqual(512);
      expect(value.isWellFormed()).toBe(true);
      expect(labelValue(value)).toBe(value);
    }),
  );
});

it('keeps all labels of a creation below 4 KB, even with long names of tests and scopes', () => {
  const long = 'names '.repeat(25_000);
  const owner = { host: 'host', pid: 1 };
  const labels = ownershipLabels({
    session: 's',
    owner,
    scope: long,
    test: long,
    source: long,
    createdAt: new Date(),
  });
  expect(labels[labelNames.test]).toMatch(/^names names .*…[0-9a-f]{12}$/);
  expect(JSON.stringify(labels).length).toBeLessThan(4_096);
});
