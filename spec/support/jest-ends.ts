import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { startJest, type JestRun, type JestRunOptions } from './jest-run';
import { until } from './until';

/** Grace, a busy machine, and the engine's own time for four containers. */
const soonMs = 15_000;
/** Each look is eight calls to the engine. */
const pauseMs = 200;
export const twoWorkers = ['--maxWorkers', '2'];

/** A run of spec/fixtures/jest/ends: two test files with two containers each. */
export async function withRun(options: JestRunOptions, look: (run: JestRun) => Promise<void>): Promise<void> {
  const run = await startJest('ends', options);
  try {
    await look(run);
  } finally {
    await run.close();
  }
}

/** A run that holds nothing would leave nothing either. */
export async function untilHeld(run: JestRun, names: readonly string[], containers: number): Promise<void> {
  const areHeld = (): boolean => names.every((name) => existsSync(join(run.folder, `${name}.ready`)));
  expect(await until(areHeld, 30_000)).toBe(true);
  expect(await run.things()).toHaveLength(containers);
}

export async function expectNothingSoon(run: JestRun): Promise<void> {
  await until(async () => (await run.things()).length === 0, soonMs, pauseMs);
  expect(await run.things()).toEqual([]);
}

export async function untilLeft(run: JestRun, containers: number): Promise<boolean> {
  return until(async () => (await run.things()).length === containers, soonMs, pauseMs);
}
