import { expect, it } from '@jest/globals';
import { carriesLabels } from '../../lib/engine/carries-labels';

const labels = { a: '1', b: '', 'c.d': 'x=y' };

it.each([
  [[], true],
  [['a'], true],
  [['a=1'], true],
  [['a=2'], false],
  [['a='], false],
  [['b'], true],
  [['b='], true],
  [['c.d=x=y'], true],
  [['a', 'c.d'], true],
  [['a', 'e'], false],
])('returns whether the labels include %j: %s', (wanted, isCarried) => {
  expect(carriesLabels(labels, wanted)).toBe(isCarried);
});
