import { describe, expect, it } from '@jest/globals';
import { failRun } from '../../lib/jest/fail-run';
import { judge } from '../../lib/leaks/judge';
import type { ThingRecord, Verdict } from '../../lib/leaks/verdict';
import { leak, thing } from '../support/thing-records';

const verdictOf = (things: readonly ThingRecord[]): Verdict =>
  judge({ things, failures: [], left: [] }, { leaks: 'fail', ignore: [] });
const failing = (verdict: Verdict): unknown => {
  try {
    failRun(verdict, { rootDir: '/app' });
    return undefined;
  } catch (error) {
    return error;
  }
};

describe('a run that fails for what castoff has found', () => {
  it('throws what Jest shows: that it leaked, without a stack', () => {
    const error = failing(verdictOf([leak()]));
    expect(error).toMatchObject({ code: 'LEAKS_FOUND', message: 'castoff: the run has leaked, see above' });
    expect((error as Error).stack).not.toContain('    at ');
  });

  it('throws that not all could be removed, where nothing leaked', () => {
    const error = failing(verdictOf([thing({ state: 'left', failure: '500 cannot unmount' })]));
    expect(error).toMatchObject({ code: 'CLEANUP_FAILED' });
  });
});
