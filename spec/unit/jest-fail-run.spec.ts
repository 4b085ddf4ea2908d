import { describe, expect, it } from '@jest/globals';
import { failRun } from '../../lib/jest/fail-run';
import { judge } from '../../lib/verdict/judge';
import type { LeftOnEngine, ResourceRecord, Verdict } from '../../lib/verdict/verdict';
import { leak, record } from '../support/resource-records';

const verdictOf = (records: readonly ResourceRecord[], left: readonly LeftOnEngine[] = []): Verdict =>
  judge({ records, failures: [], left }, { leaks: 'fail', ignore: [] });
const failing = (verdict: Verdict): unknown => {
  try {
    failRun(verdict, { rootDir: '/app' });
    return undefined;
  } catch (error) {
    return error;
  }
};

describe('a run that fails in its verdict', () => {
  it('throws LEAKS_FOUND without a stack for leaks', () => {
    const error = failing(verdictOf([leak()]));
    expect(error).toMatchObject({
      code: 'LEAKS_FOUND',
      message: 'castoff: the run leaked resources, see above',
    });
    expect((error as Error).stack).not.toContain('    at ');
  });

  const left = record({ state: 'left', failure: '500 cannot unmount' });

  it('throws CLEANUP_FAILED for a resource that is still on the engine', () => {
    const { id = '' } = left;
    expect(failing(verdictOf([left], [{ kind: 'container', id }]))).toMatchObject({
      code: 'CLEANUP_FAILED',
      message: 'castoff: some resources of this run could not be removed, see above',
    });
  });

  it('throws CLEANUP_FAILED for a resource whose removal the engine did not confirm', () => {
    expect(failing(verdictOf([left]))).toMatchObject({
      code: 'CLEANUP_FAILED',
      message: 'castoff: some resources of this run may still exist, see above',
    });
  });

  it('throws CLEANUP_FAILED for a resource that a later attempt removed', () => {
    expect(failing(verdictOf([{ ...left, lastLook: 'gone' }]))).toMatchObject({
      code: 'CLEANUP_FAILED',
      message: 'castoff: some resources of this run could not be removed at first, see above',
    });
  });
});
