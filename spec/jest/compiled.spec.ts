import { beforeAll, describe, expect, it } from '@jest/globals';
import { runJudged, type JudgedJest } from '../support/judged-jest';

describe('leaks of tests whose async functions are compiled to ES5 or ES2016', () => {
  let end: JudgedJest;
  beforeAll(async () => {
    end = await runJudged('compiled', { env: { GITHUB_ACTIONS: 'true' } });
  });

  it('have the line of the test or hook, marked as approximate', () => {
    const sources = end.verdict.leaks.map(({ source, isSourceApproximate }) => [source, isSourceApproximate]);
    expect(sources).toHaveLength(4);
    expect(sources).toEqual(
      expect.arrayContaining([
        ['es2016.test.ts:13', true],
        ['es2016.test.ts:21', true],
        ['es5.test.ts:13', true],
        ['es5.test.ts:21', true],
      ]),
    );
    expect(end.stderr).toMatch(/ near es5\.test\.ts:13 /);
    expect(end).toMatchObject({ exitCode: 1, left: [] });
  });

  it('are annotated on GitHub at that line', () => {
    expect(end.stderr).toMatch(/^::error file=[^,]*es5\.test\.ts,line=13,/m);
  });
});
