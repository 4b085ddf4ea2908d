import { expect, it } from '@jest/globals';
import { runJudged } from '../support/judged-jest';
import { docker } from '../support/things';

it('an anonymous volume that a removed container has left is a leak of its test and line, and goes', async () => {
  const { verdict } = await runJudged('volumes');
  expect(verdict).toMatchObject({
    isFailure: true,
    leaks: [
      { kind: 'volume', source: 'volume.test.js:8', state: 'gone', outcome: 'removed' },
      { kind: 'volume', source: 'volume.test.js:14', state: 'gone', outcome: 'removed' },
    ],
    left: [],
  });
  const { Volumes } = await docker.listVolumes();
  const names = verdict.leaks.map(({ id }) => id);
  expect((Volumes ?? []).filter(({ Name }) => names.includes(Name))).toEqual([]);
});
