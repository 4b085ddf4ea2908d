import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { startJest, type JestRun } from '../support/jest-run';
import { until } from '../support/until';

const goneTimeoutMs = 20_000;
/** Each look is eight calls to the engine. */
const pauseMs = 200;

async function untilHeld(run: JestRun): Promise<void> {
  expect(await until(() => existsSync(join(run.folder, `${run.id}.ready`)), 30_000)).toBe(true);
  expect(await run.things()).toHaveLength(3);
}

async function withTwo(
  more: Readonly<Record<string, string>>,
  work: (one: JestRun, other: JestRun) => Promise<void>,
): Promise<void> {
  const env = { CASTOFF_REPORT_FILE: 'report.json', ...more };
  const one = await startJest('two-runs', { env });
  try {
    const other = await startJest('two-runs', { env, beside: one });
    try {
      await work(one, other);
    } finally {
      await other.close();
    }
  } finally {
    await one.close();
  }
}

describe('two runs of one project, in one folder, at once', () => {
  it('have each their own, and the end of one is not that of the other, though it is killed', async () => {
    await withTwo({}, async (one, other) => {
      await Promise.all([untilHeld(one), untilHeld(other)]);
      const had = await other.things();
      one.kill('SIGKILL');
      await one.ended;
      expect(await until(async () => (await one.things()).length === 0, goneTimeoutMs, pauseMs)).toBe(true);
      expect(await other.things()).toEqual(had);
      writeFileSync(join(other.folder, `${other.id}.go`), '');
      const { exitCode, stderr } = await other.ended;
      expect(stderr).toMatch(/^castoff: 3 containers, all gone$/m);
      expect(await other.report()).toMatchObject({
        counts: { container: 3 },
        orphans: [],
        left: [],
        failures: [],
      });
      expect(exitCode).toBe(0);
      expect(await other.things()).toEqual([]);
    });
  });

  it('are judged each for what it has left itself', async () => {
    await withTwo({ LEAK: 'yes' }, async (one, other) => {
      await Promise.all([untilHeld(one), untilHeld(other)]);
      writeFileSync(join(one.folder, `${one.id}.go`), '');
      await expect(one.ended).resolves.toMatchObject({ exitCode: 1 });
      expect(await one.report()).toMatchObject({
        counts: { container: 3 },
        leaks: [{ kind: 'container', source: 'holds.test.js:19' }],
        left: [],
      });
      expect(await one.things()).toEqual([]);
      expect(await other.things()).toHaveLength(3);
      other.killGroup('SIGINT');
      await expect(other.ended).resolves.toMatchObject({ signal: 'SIGINT' });
      expect(await other.things()).toEqual([]);
    });
  });
});
