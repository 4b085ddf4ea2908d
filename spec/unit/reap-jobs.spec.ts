import { describe, expect, it } from '@jest/globals';
import { ReapJobs } from '../../lib/reaper/reaping/reap-jobs';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('reap jobs', () => {
  it.each([
    ['client', 'host', () => 'busy', () => 'host'],
    ['host', 'other host', (run: number) => `lease-${run}`, () => 'busy'],
  ])(
    'of one %s do not delay those of another, however many claims and connections it has',
    async (_what, otherHost, clientOf, hostOf) => {
      const started: string[] = [];
      const reapings = new ReapJobs(
        ({ key }) => {
          started.push(key);
          return new Promise(() => undefined);
        },
        () => undefined,
      );
      const start = (run: number, key: string, client: string, host: string) =>
        reapings.start(
          {
            type: 'reap',
            claim: { key, labels: [key] },
            lastHolder: `process ${run}`,
            client,
            host,
            sinceMs: 0,
            isLate: false,
            run,
          },
          () => undefined,
        );
      for (let run = 1; run <= 400; run += 1) start(run, `busy=${run}`, clientOf(run), hostOf());
      start(401, 'modest=1', 'modest', otherHost);
      await turn();
      expect(started).toContain('modest=1');
      expect(started.length).toBeLessThan(100);
    },
  );
});
