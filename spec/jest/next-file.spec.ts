import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { endReapersOf } from '../support/end-reapers';
import { openFaultProxy } from '../support/fault-proxy';
import { runJudged } from '../support/judged-jest';

const twoFiles = ['file-1', 'file-2'];

/**
 * Runs files that leak one container each. `seen` has the number of leaked containers that each file found in
 * its process.
 */
async function runFiles(args: readonly string[], options: object, removalMs = 0) {
  await using proxy = await openFaultProxy();
  proxy.inject({ on: 'DELETE /containers/*', fault: { type: 'delay', ms: removalMs }, times: Infinity });
  let seen: readonly string[] = [];
  const env = {
    DOCKER_HOST: proxy.address,
    TMPDIR: dirname(proxy.socketPath),
    OPTIONS: JSON.stringify(options),
  };
  const end = await runJudged('next-file', { args, env }, async (run) => {
    seen = readFileSync(join(run.folder, 'seen.txt'), 'utf8').trim().split('\n').toSorted();
    endReapersOf(run);
  });
  expect(end.left).toEqual([]);
  return { seen, end, verdict: end.verdict };
}

describe('the leaked containers of a file', () => {
  it('are removed before the worker runs the next file', async () => {
    // With three files, one of the two workers runs at least two.
    const { seen, verdict } = await runFiles(['--maxWorkers', '2'], {}, 300);
    expect(seen).toEqual(['0', '0', '0']);
    expect(verdict).toMatchObject({ leaks: [{}, {}, {}] });
  });

  it("are removed before the next file in band too, with leaks: 'warn' and cleanup: 'wait'", async () => {
    const options = { leaks: 'warn', cleanup: 'wait' };
    const { seen, verdict, end } = await runFiles([...twoFiles, '--runInBand'], options, 300);
    expect(seen).toEqual(['0', '0']);
    expect(verdict).toMatchObject({ isFailure: false, leaks: [{}, {}] });
    expect(end.stderr).toContain('2 leaks among 2 containers');
    expect(end.exitCode).toBe(0);
  });

  it.each([{ leaks: 'off' }, { ignore: ['image:castoff-spec/*'] }])(
    'stay until the end of the run with %j',
    async (options) => {
      const { seen, verdict, end } = await runFiles([...twoFiles, '--runInBand'], options);
      expect(seen).toEqual(['0', '1']);
      expect(verdict).toMatchObject({ isFailure: false, leaks: [], left: [] });
      expect(end.stderr).not.toMatch(/leaks? among/);
      expect(end.exitCode).toBe(0);
    },
  );
});
