import { describe, expect, it } from '@jest/globals';
import { isReportWanted, verdictError } from '../../lib/runner/report-run';
import { judge } from '../../lib/verdict/judge';
import type { LeftOnEngine, ResourceRecord, Verdict } from '../../lib/verdict/verdict';
import { leak, openHandle, record } from '../support/resource-records';

const verdictOf = (records: readonly ResourceRecord[], left: readonly LeftOnEngine[] = []): Verdict =>
  judge({ records, failures: [], left }, { leaks: 'fail', ignore: [] });

describe('the error of a failed run', () => {
  it('is LEAKS_FOUND without a stack for leaks', () => {
    const error = verdictError(verdictOf([leak()]));
    expect(error).toMatchObject({
      code: 'LEAKS_FOUND',
      message: 'castoff: the run leaked resources, see above',
    });
    expect(error?.stack).not.toContain('    at ');
  });

  it('is LEAKS_FOUND for open handles', () => {
    const settings = { leaks: 'fail', handles: 'fail', ignore: [] } as const;
    const verdict = judge({ records: [], failures: [], left: [], handles: [openHandle()] }, settings);
    expect(verdictError(verdict)).toMatchObject({
      code: 'LEAKS_FOUND',
      message: 'castoff: the run left handles open, see above',
    });
  });

  const left = record({ state: 'left', failure: '500 cannot unmount' });

  it('is CLEANUP_FAILED for a resource that is still on the engine', () => {
    const { id = '' } = left;
    expect(verdictError(verdictOf([left], [{ kind: 'container', id }]))).toMatchObject({
      code: 'CLEANUP_FAILED',
      message: 'castoff: some resources of this run could not be removed, see above',
    });
  });

  it('is CLEANUP_FAILED for a resource whose removal the engine did not confirm', () => {
    expect(verdictError(verdictOf([left]))).toMatchObject({
      code: 'CLEANUP_FAILED',
      message: 'castoff: some resources of this run may still exist, see above',
    });
  });

  it('is CLEANUP_FAILED for a resource that a later attempt removed', () => {
    expect(verdictError(verdictOf([{ ...left, lastLook: 'gone' }]))).toMatchObject({
      code: 'CLEANUP_FAILED',
      message: 'castoff: some resources of this run could not be removed at first, see above',
    });
  });

  it('is none for a run that does not fail', () => {
    expect(verdictError(verdictOf([]))).toBeUndefined();
  });
});

const log = { isTerminal: false, isVerbose: false };
const terminal = { ...log, isTerminal: true };

describe('the line about a run that created nothing', () => {
  it.each([
    ['on a terminal', terminal, true],
    ['in a pipe', log, false],
    ['in a pipe with --verbose', { ...log, isVerbose: true }, true],
    ['in the log of a CI system', { ...log, CI: 'true' }, true],
    ['where CI is set to false', { ...log, CI: 'false' }, false],
  ])('is printed or not as people read it: %s', (_, reader, isWanted) => {
    expect(isReportWanted(verdictOf([]), reader)).toBe(isWanted);
  });

  it('is not printed beside a verdict', () => {
    const empty = verdictOf([]);
    expect(isReportWanted({ ...empty, failures: ['the engine went away'] }, terminal)).toBe(false);
    expect(isReportWanted({ ...empty, deadWorkers: 1 }, terminal)).toBe(false);
    expect(isReportWanted({ ...empty, handles: [openHandle()] }, terminal)).toBe(false);
    expect(isReportWanted({ ...empty, counts: { ...empty.counts, container: 1 } }, terminal)).toBe(false);
  });
});
