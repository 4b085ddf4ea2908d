import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { startJest, type JestRun } from '../support/jest-run';
import { until } from '../support/until';

const goneTimeoutMs = 20_000;
/** Each look is eight calls to the engine. */
const pauseMs = 200;

/** Three runs in the folder of the first, each with its containers. */
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
  expect(await run.things()).toHaveLength(3);
}

describe('runs of one project, in one folder, at once', () => {
  it('have each their own: one that is killed, one that is judged for its leak, one that is interrupted', async () => {
    await using three = await startThree();
    const [killed, judged, interrupted] = three.runs;
    const [ofJudged, ofInterrupted] = await Promise.all([judged.things(), interrupted.things()]);

    killed.kill('SIGKILL');
    await killed.ended;
    const isGone = async (): Promise<boolean> => (await killed.things()).length === 0;
    expect(await until(isGone, goneTimeoutMs, pauseMs)).toBe(true);
    expect(await judged.things()).toEqual(ofJudged);
    expect(await interrupted.things()).toEqual(ofInterrupted);

    writeFileSync(join(judged.folder, `${judged.id}.go`), '');
    await expect(judged.ended).resolves.toMatchObject({ exitCode: 1 });
    expect(await judged.report()).toMatchObject({
      counts: { container: 3 },
      leaks: [{ kind: 'container', source: 'holds.test.js:19' }],
      orphans: [],
      left: [],
      failures: [],
    });
    expect(await judged.things()).toEqual([]);
    expect(await interrupted.things()).toEqual(ofInterrupted);

    interrupted.killGroup('SIGINT');
    await expect(interrupted.ended).resolves.toMatchObject({ signal: 'SIGINT' });
    expect(await interrupted.things()).toEqual([]);
  });
});
