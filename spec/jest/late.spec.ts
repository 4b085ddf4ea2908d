import { beforeAll, describe, expect, it } from '@jest/globals';
import { runJudged, type JudgedJest } from '../support/judged-jest';

describe('a run of two files in one process', () => {
  let end: JudgedJest;

  beforeAll(async () => {
    end = await runJudged('late', { args: ['--runInBand'] });
  });

  it('attributes a container that a file started while loading to that file, even if it is created later', () => {
    expect(end.stderr).toMatch(/Tests: +3 passed, 3 total/);
    const [late, ...others] = end.verdict.leaks.filter(({ kind }) => kind === 'container');
    expect(others).toEqual([]);
    expect(late).toMatchObject({ scope: '1-starts.test.js', source: '1-starts.test.js:10', state: 'gone' });
    expect(late).not.toHaveProperty('test');
  });

  it('removes a leaked image, and reports it as removed', () => {
    const images = end.verdict.leaks.filter(({ kind }) => kind === 'image');
    expect(images).toMatchObject([{ test: 'leaves an image', state: 'gone', outcome: 'removed' }]);
  });

  it('counts a container that the global setup created and the global teardown removed', () => {
    expect(end.verdict.counts).toEqual({ container: 2, image: 1 });
    expect(end).toMatchObject({ exitCode: 1, left: [] });
  });
});
