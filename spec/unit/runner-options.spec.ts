import { describe, expect, it } from '@jest/globals';
import { checkOptions, resolveSettings, runOptions } from '../../lib/runner/options';

const defaults = {
  leaks: 'fail',
  handles: 'report',
  exit: 'report',
  exitDelayMs: 2_000,
  cleanup: 'background',
  keep: 'none',
  ignore: [],
  reportFile: undefined,
};

describe("a run's settings", () => {
  it('are the defaults without options and variables', () => {
    expect(resolveSettings({}, {})).toEqual(defaults);
    expect(resolveSettings({ leaks: undefined }, { CASTOFF_LEAKS: '' })).toEqual(defaults);
  });

  it('come from environment variables', () => {
    const environment = {
      CASTOFF_LEAKS: 'warn',
      CASTOFF_HANDLES: 'fail',
      CASTOFF_EXIT: 'force',
      CASTOFF_EXIT_DELAY_MS: '500',
      CASTOFF_CLEANUP: 'wait',
      CASTOFF_KEEP: 'failed',
      CASTOFF_IGNORE: 'image:redis:*, test:*slow*',
      CASTOFF_REPORT_FILE: 'out/report.json',
    };
    expect(resolveSettings({}, environment)).toEqual({
      leaks: 'warn',
      handles: 'fail',
      exit: 'force',
      exitDelayMs: 500,
      cleanup: 'wait',
      keep: 'failed',
      ignore: ['image:redis:*', 'test:*slow*'],
      reportFile: 'out/report.json',
    });
  });

  it('come from options before environment variables', () => {
    const options = { leaks: 'off', ignore: [] } as const;
    const environment = { CASTOFF_LEAKS: 'warn', CASTOFF_IGNORE: 'name:a', CASTOFF_KEEP: 'failed' };
    expect(resolveSettings(options, environment)).toEqual({ ...defaults, leaks: 'off', keep: 'failed' });
  });

  it.each([
    ['CASTOFF_LEAKS', 'never', 'CASTOFF_LEAKS: got "never"; give fail, warn or off'],
    ['CASTOFF_HANDLES', 'warn', 'CASTOFF_HANDLES: got "warn"; give report, fail or off'],
    ['CASTOFF_EXIT', 'never', 'CASTOFF_EXIT: got "never"; give report or force'],
    [
      'CASTOFF_EXIT_DELAY_MS',
      '2s',
      'CASTOFF_EXIT_DELAY_MS: got "2s"; give milliseconds from 0 to 2147483647',
    ],
    ['CASTOFF_CLEANUP', 'no', 'CASTOFF_CLEANUP: got "no"; give background or wait'],
    ['CASTOFF_KEEP', '1', 'CASTOFF_KEEP: got "1"; give none or failed'],
    ['CASTOFF_IGNORE', 'a,,b', 'CASTOFF_IGNORE: got ["a","","b"]; give a list of non-empty patterns'],
    ['CASTOFF_IGNORE', 'redis:7', /redis:7/],
  ])('refuse the variable %s=%s', (variable, text, message) => {
    expect(() => resolveSettings({}, { [variable]: text })).toThrow(message);
  });

  it('have variables named after their options', () => {
    const variables = Object.values(runOptions).map(({ variable }) => variable);
    const named = Object.keys(runOptions).map(
      (name) => `CASTOFF_${name.replaceAll(/[A-Z]/g, '_$&').toUpperCase()}`,
    );
    expect(variables).toEqual(named);
  });
});

describe('withCastoff', () => {
  it.each([
    [
      { leak: 'off' },
      'unknown option leak; valid options are leaks, handles, exit, exitDelayMs, cleanup, keep, ignore, reportFile',
    ],
    [{ leaks: true }, 'option leaks: got true; give fail, warn or off'],
    [{ handles: true }, 'option handles: got true; give report, fail or off'],
    [{ exitDelayMs: -1 }, 'option exitDelayMs: got -1; give milliseconds from 0 to 2147483647'],
    [{ keep: null }, 'option keep: got null; give none or failed'],
    [{ ignore: 'redis' }, 'option ignore: got "redis"; give a list of non-empty patterns'],
    [{ ignore: [1] }, 'option ignore: got [1]; give a list of non-empty patterns'],
    [{ ignore: ['redis:7'] }, 'redis:7'],
    [{ reportFile: '' }, 'option reportFile: got ""; give the path of a file'],
  ])('refuses the options %j', (options, message) => {
    const error = { code: 'CONFIG_INVALID', message: expect.stringContaining(message) };
    expect(() => checkOptions(options)).toThrow(expect.objectContaining(error));
  });
});
