import { describe, expect, it } from '@jest/globals';
import { ReapJobs } from '../../lib/reaper/reaping/reap-jobs';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('reap jobs', () => {
  it('of one client do not delay those of another, however many claims and connections it has', async () => {
    const started: string[] = [];
    const reapings = new ReapJobs(
      ({ key }) => {
        started.push(key);
        return new Promise(() => undefined);
      },
      () => undefined,
    );
    const start = (run: number, key: string, lastHolder: string, client: string) =>
      reapings.start(
        { type: 'reap', claim: { key, labels: [key] }, lastHolder, client, sinceMs: 0, isLate: false, run },
        () => undefined,
      );
    for (let run = 1; run <= 400; run += 1) start(run, `busy=${run}`, `process ${run}`, 'busy');
    start(401, 'modest=1', 'process 401', 'modest');
    await turn();
    expect(started).toContain('modest=1');
    expect(started.length).toBeLessThan(100);
  });
});
