import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { RunnerRun } from '../support/runner-run';
import { isLong } from '../support/spec-size';
import { until } from '../support/until';
import { startVitest, type VitestVersion } from '../support/vitest-run';

const versions: readonly VitestVersion[] = isLong ? ['4', '3'] : ['4'];

/** Starts Vitest in watch mode, and changes the test file when the first run has ended. */
async function watchTwice(
  vitest: VitestVersion,
  env: Readonly<Record<string, string>>,
): Promise<AsyncDisposable & { run: RunnerRun }> {
  await using atEnd = new AsyncDisposableStack();
  const run = await startVitest('watched', { vitest, isWatching: true, env });
  atEnd.defer(() => run.close());
  await untilRuns(run, 1);
  appendFileSync(join(run.folder, 'leaks.test.ts'), '// changed\n');
  await untilRuns(run, 2);
  const kept = atEnd.move();
  return { run, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

async function untilRuns(run: RunnerRun, count: number): Promise<void> {
  const runs = (): number => run.output().match(/Waiting for file changes/g)?.length ?? 0;
  if (!(await until(() => runs() >= count, 60_000))) throw new Error(`no run ${count}:\n${run.output()}`);
}

const sharedIds = (run: RunnerRun): readonly string[] => run.output().match(/(?<=^shared: )\w+/gm) ?? [];
const countOf = (run: RunnerRun, line: RegExp): number => run.output().match(line)?.length ?? 0;
const leak = /^castoff: 1 leak among 2 containers/gm;

async function givesEachRunItsOwn(vitest: VitestVersion): Promise<void> {
  await using watch = await watchTwice(vitest, {});
  const { run } = watch;
  expect(countOf(run, leak)).toBe(2);
  expect(new Set(sharedIds(run)).size).toBe(2);
  expect(await run.resources()).toEqual([]);
  run.kill('SIGINT');
  await expect(run.ended).resolves.toMatchObject({ exitCode: 130 });
}

async function keepsForGlobalSetup(vitest: VitestVersion): Promise<void> {
  await using watch = await watchTwice(vitest, { SETUP: 'true' });
  const { run } = watch;
  expect(countOf(run, leak)).toBe(0);
  expect(new Set(sharedIds(run)).size).toBe(1);
  expect(await run.resources()).toHaveLength(2);
  run.kill('SIGINT');
  const end = await run.ended;
  expect(end.stderr).toContain('castoff: all gone (4 resources)');
  expect(await run.resources()).toEqual([]);
}

const behaviours: readonly [string, (vitest: VitestVersion) => Promise<void>][] = [
  ['gives each test run its verdict and its shared resources', givesEachRunItsOwn],
  ['keeps what a global setup has created until the watch ends', keepsForGlobalSetup],
];

describe.each(versions)('watch mode, Vitest %s', (vitest) => {
  it.each(isLong ? behaviours : behaviours.slice(0, 1))('%s', async (_, check) => {
    await check(vitest);
    expect.hasAssertions();
  });
});
