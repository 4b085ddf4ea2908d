import { describe, expect, it } from '@jest/globals';
import { failRun } from '../../lib/jest/fail-run';
import { judge } from '../../lib/verdict/judge';
import type { LeftOnEngine, ResourceRecord, Verdict } from '../../lib/verdict/verdict';
import { leak, thing } from '../support/thing-records';

const verdictOf = (things: readonly ResourceRecord[], left: readonly LeftOnEngine[] = []): Verdict =>
  judge({ things, failures: [], left }, { leaks: 'fail', ignore: [] });
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
    expect(error).toMatchObject({
      code: 'LEAKS_FOUND',
      message: 'castoff: the run leaked resources, see above',
    });
    expect((error as Error).stack).not.toContain('    at ');
  });

  const left = thing({ state: 'left', failure: '500 cannot unmount' });

  it('throws that not all could be removed, where the engine still has it', () => {
    const { kind, id = '' } = left;
    expect(failing(verdictOf([left], [{ kind, id }]))).toMatchObject({
      code: 'CLEANUP_FAILED',
      message: 'castoff: some resources of this run could not be removed, see above',
    });
  });

  it('throws that it is not known whether all is gone, where the engine did not say', () => {
    expect(failing(verdictOf([left]))).toMatchObject({
      code: 'CLEANUP_FAILED',
      message: 'castoff: some resources of this run may still exist, see above',
    });
  });

  it('throws that something could not be removed at first, where it has gone since', () => {
    expect(failing(verdictOf([{ ...left, lastLook: 'gone' }]))).toMatchObject({
      code: 'CLEANUP_FAILED',
      message: 'castoff: some resources of this run could not be removed at first, see above',
    });
  });
});
