import { describe, expect, it } from '@jest/globals';
import { sweepAndReport, type SweepFlags } from '../../lib/cli/sweep';

describe('castoff sweep', () => {
  it.each<[SweepFlags, string]>([
    [{ olderThan: '10' }, '--older-than: got "10"; give a duration such as 2d, 2h, 30m or 90s'],
    [{ olderThan: '-1s' }, 'give a duration'],
    [{ olderThan: '1e9h' }, 'give a duration'],
    [{ timeout: '1' }, '--timeout: got "1"; give a duration'],
    [{ filter: ['web'] }, '--filter: got "web"; give session=…, kind=…, name=…'],
    [{ exclude: ['colour=red'] }, '--exclude: got "colour=red"; give session=…'],
    [{ filter: ['state=dead'] }, '--filter: got "state=dead"; give session=…'],
    [{ foreign: true }, 'give an age with --older-than'],
    [{ otherHosts: true }, 'give an age with --older-than'],
  ])('refuses %j before connecting to an engine', async (flags, message) => {
    await expect(sweepAndReport(flags)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(message),
    });
  });
});
