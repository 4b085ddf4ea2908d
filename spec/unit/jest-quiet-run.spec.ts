import { describe, expect, it } from '@jest/globals';
import { isReportWanted } from '../../lib/jest/quiet-run';
import { judge } from '../../lib/verdict/judge';

const empty = judge(
  { records: [], deadWorkers: 0, left: [], failures: [] },
  {
    leaks: 'fail',
    ignore: [],
  },
);
const config = { rootDir: '/app' };
const log = { isTerminal: false, isVerbose: false };
const terminal = { ...log, isTerminal: true };

describe('the line about a run that created nothing', () => {
  it.each([
    ['on a terminal', config, terminal, true],
    ['in a pipe', config, log, false],
    ['in a pipe with --verbose', config, { ...log, isVerbose: true }, true],
    ['in the log of a CI system', config, { ...log, CI: 'true' }, true],
    ['where CI is set to false', config, { ...log, CI: 'false' }, false],
    ['with --silent', { ...config, silent: true }, { ...terminal, CI: '1' }, false],
    ['with --json', { ...config, json: true }, { ...terminal, CI: '1' }, false],
  ])('is printed or not as people read it: %s', (_, globalConfig, reader, isWanted) => {
    expect(isReportWanted(empty, globalConfig, reader)).toBe(isWanted);
  });

  it('is not printed beside a verdict', () => {
    const reader = terminal;
    expect(isReportWanted({ ...empty, failures: ['the engine went away'] }, config, reader)).toBe(false);
    expect(isReportWanted({ ...empty, deadWorkers: 1 }, config, reader)).toBe(false);
    expect(isReportWanted({ ...empty, counts: { ...empty.counts, container: 1 } }, config, reader)).toBe(
      false,
    );
  });
});
