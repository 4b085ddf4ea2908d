import { describe, expect, it } from '@jest/globals';
import { formatLogLine, logEntryOf } from '../../lib/reaper/daemon/log-line';
import type { ReaperEvent } from '../../lib/reaper/reaping/observer';

const long = 'x'.repeat(60_000);
const claim = { key: long, labels: [long] };

describe('a line of the reaper’s log', () => {
  it.each<[string, ReaperEvent]>([
    ['a claim', { type: 'claimed', lease: 'lease-1', holder: long, claim }],
    ['a refused line', { type: 'line-refused', from: 'somewhere', reason: long }],
    ['a reaping', { type: 'reap-began', run: 1, claim, lastHolder: long }],
    [
      'a reaping that failed',
      { type: 'reap-ended', run: 1, claim, lastHolder: long, outcome: { type: 'failed', reason: long } },
    ],
  ])('is limited in length, however much text a client sends: %s', (_what, event) => {
    const text = formatLogLine(logEntryOf(event), new Date(0));
    expect(text).toContain('xxx');
    expect(text.length).toBeLessThan(1_500);
  });
});
