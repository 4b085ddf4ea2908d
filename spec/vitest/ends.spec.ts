import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { RunnerRun } from '../support/runner-run';
import { isLong } from '../support/spec-size';
import { until } from '../support/until';
import { startVitest, type VitestVersion } from '../support/vitest-run';

const removalTimeoutMs = 20_000;
/** Each check is eight requests to the engine. */
const pauseMs = 200;

/** Index of the run that loses a worker. */
const crippledAt = 1;

type Run = RunnerRun & { readonly holder: number };

/** Starts runs in the folder of the first, and waits until each has its containers. */
async function startRuns(
  vitest: VitestVersion,
  count: number,
): Promise<AsyncDisposable & { readonly runs: readonly Run[] }> {
  await using atEnd = new AsyncDisposableStack();
  const runs: RunnerRun[] = [];
  for (let index = 0; index < count; index += 1) {
    const [beside] = runs;
    // The run that loses its worker has another file.
    const args = index === crippledAt ? [] : ['holds'];
    const run = await startVitest('holds', { vitest, args, ...(beside === undefined ? {} : { beside }) });
    atEnd.defer(() => run.close());
    runs.push(run);
  }
  const held = await Promise.all(runs.map((run) => untilHeld(run)));
  const kept = atEnd.move();
  return { runs: held, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

async function untilHeld(run: RunnerRun): Promise<Run> {
  const ready = join(run.folder, `${run.id}.ready`);
  const isReady = (): boolean => existsSync(ready) && readFileSync(ready, 'utf8') !== '';
  if (!(await until(isReady, 60_000))) throw new Error(`the tests did not start:\n${run.output()}`);
  expect(await run.resources()).toHaveLength(3);
  return { ...run, holder: Number(readFileSync(ready, 'utf8')) };
}

const untilNothingIsLeft = (run: RunnerRun): Promise<boolean> =>
  until(async () => (await run.resources()).length === 0, removalTimeoutMs, pauseMs);

describe.each(isLong ? (['4', '3'] as const) : (['4'] as const))(
  'runs of one project at once, Vitest %s',
  (vitest) => {
    it('keep their containers apart when one is killed, one loses a worker, and one is interrupted', async () => {
      await using three = await startRuns(vitest, 3);
      const [killed, crippled, interrupted] = three.runs as readonly [Run, Run, Run];

      killed.kill('SIGKILL');
      await killed.ended;
      expect(await untilNothingIsLeft(killed)).toBe(true);

      process.kill(crippled.holder, 'SIGKILL');
      if (vitest === '4') {
        // The run goes on, because its other file has not ended. Vitest 3 ends with its worker.
        const ofWorker = async (): Promise<number> => (await crippled.resources()).length;
        expect(await until(async () => (await ofWorker()) === 1, removalTimeoutMs, pauseMs)).toBe(true);
        writeFileSync(join(crippled.folder, `${crippled.id}.go`), '');
        const end = await crippled.ended;
        expect(end.stderr).toContain(
          'castoff: a worker died while running its tests; its resources have been removed',
        );
      }
      await expect(crippled.ended).resolves.toMatchObject({ exitCode: 1 });
      expect(await untilNothingIsLeft(crippled)).toBe(true);

      expect(await interrupted.resources()).toHaveLength(3);
      interrupted.kill('SIGINT');
      const end = await interrupted.ended;
      expect(end.stderr).toContain(
        "castoff: SIGINT: removing the run's resources; send it again to exit at once",
      );
      expect(end.stderr).toContain('castoff: all gone (3 resources)');
      expect(end.exitCode).toBe(130);
      expect(await interrupted.resources()).toEqual([]);
    });
  },
);
