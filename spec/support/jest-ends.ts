import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { messageOf } from '../../lib/core/errors';
import { startJest, type JestRun, type JestRunOptions } from './jest-run';
import { until } from './until';

/** Grace period, a busy machine, and the engine's own time for four containers. */
const removalTimeoutMs = 15_000;
/** Each check is eight requests to the engine. */
const pauseMs = 200;
export const twoWorkers = ['--maxWorkers', '2'];

/**
 * Starts Jest on spec/fixtures/jest/ends, which has two test files with two containers each, and closes the
 * run after `use`.
 */
export async function withRun(options: JestRunOptions, use: (run: JestRun) => Promise<void>): Promise<void> {
  const run = await startJest('ends', options);
  try {
    await use(run);
  } catch (error) {
    throw new Error(`${messageOf(error)}\n\nThe output of Jest:\n${run.output()}`, { cause: error });
  } finally {
    await run.close();
  }
}

/** Waits until test files hold their containers: a run without containers would leave nothing either. */
export async function untilHeld(run: JestRun, names: readonly string[], containers: number): Promise<void> {
  const areHeld = (): boolean => names.every((name) => existsSync(join(run.folder, `${name}.ready`)));
  expect(await until(areHeld, 30_000)).toBe(true);
  expect(await run.resources()).toHaveLength(containers);
}

/** Resolves to whether Jest ends within `until`'s timeout: one that hangs is reported with its output. */
export async function endsSoon({ ended }: JestRun): Promise<boolean> {
  let hasEnded = false;
  void ended.then(() => (hasEnded = true));
  return until(() => hasEnded);
}

/** Expects that everything of the run is removed within {@link removalTimeoutMs}. */
export async function expectNothingSoon(run: JestRun): Promise<void> {
  await until(async () => (await run.resources()).length === 0, removalTimeoutMs, pauseMs);
  expect(await run.resources()).toEqual([]);
}

/** Resolves to whether the run has that many containers, within {@link removalTimeoutMs}. */
export async function untilLeft(run: JestRun, containers: number): Promise<boolean> {
  return until(async () => (await run.resources()).length === containers, removalTimeoutMs, pauseMs);
}
