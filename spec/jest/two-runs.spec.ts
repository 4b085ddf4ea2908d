import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { startJest, type JestRun } from '../support/jest-run';
import { until } from '../support/until';

const removalTimeoutMs = 20_000;
/** Each check is eight requests to the engine. */
const pauseMs = 200;

/** Starts three runs in the folder of the first, and waits until each has its containers. */
async function startThree(): Promise<
  AsyncDisposable & { readonly runs: readonly [JestRun, JestRun, JestRun] }
> {
  await using atEnd = new AsyncDisposableStack();
  const env = { CASTOFF_REPORT_FILE: 'report.json' };
  const start = async (beside?: JestRun): Promise<JestRun> => {
    const run = await startJest('two-runs', beside === undefined ? { env } : { env, beside });
    atEnd.defer(() => run.close());
    return run;
  };
  const first = await start();
  const runs = [first, await start(first), await start(first)] as const;
  await Promise.all(runs.map((run) => untilHeld(run)));
  const kept = atEnd.move();
  return { runs, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

async function untilHeld(run: JestRun): Promise<void> {
  expect(await until(() => existsSync(join(run.folder, `${run.id}.ready`)), 30_000)).toBe(true);
  expect(await run.resources()).toHaveLength(3);
}

describe('three runs of one project at once', () => {
  it('keep their containers apart when one is killed, one leaks, and one is interrupted', async () => {
    await using three = await startThree();
    const [killed, judged, interrupted] = three.runs;
    const [ofJudged, ofInterrupted] = await Promise.all([judged.resources(), interrupted.resources()]);

    killed.kill('SIGKILL');
    await killed.ended;
    const isRemoved = async (): Promise<boolean> => (await killed.resources()).length === 0;
    expect(await until(isRemoved, removalTimeoutMs, pauseMs)).toBe(true);
    expect(await judged.resources()).toEqual(ofJudged);
    expect(await interrupted.resources()).toEqual(ofInterrupted);

    writeFileSync(join(judged.folder, `${judged.id}.go`), '');
    await expect(judged.ended).resolves.toMatchObject({ exitCode: 1 });
    expect(await judged.report()).toMatchObject({
      counts: { container: 3 },
      leaks: [{ kind: 'container', source: 'holds.test.js:19' }],
      orphans: [],
      left: [],
      failures: [],
    });
    expect(await judged.resources()).toEqual([]);
    expect(await interrupted.resources()).toEqual(ofInterrupted);

    interrupted.killGroup('SIGINT');
    await expect(interrupted.ended).resolves.toMatchObject({ signal: 'SIGINT' });
    expect(await interrupted.resources()).toEqual([]);
  });
});
