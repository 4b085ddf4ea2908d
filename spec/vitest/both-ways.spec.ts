import { beforeAll, describe, expect, it } from '@jest/globals';
import { isLong } from '../support/spec-size';
import { runVitest, type VitestVersion } from '../support/vitest-run';

type Row = readonly [vitest: VitestVersion, pool: string, isolate: boolean];

const pools = ['forks', 'threads', 'vmForks', 'vmThreads'];
const all = (['4', '3'] as const).flatMap((vitest) =>
  pools.flatMap((pool) => [true, false].map((isolate): Row => [vitest, pool, isolate])),
);
/** Covers each value of each column. */
const sample: readonly Row[] = [
  ['4', 'forks', true],
  ['3', 'threads', false],
];

describe.each(isLong ? all : sample)('Vitest %s, pool %s, isolate: %s', (vitest, pool, isolate) => {
  let end: Awaited<ReturnType<typeof runVitest>>;
  beforeAll(async () => {
    end = await runVitest('both-ways', { vitest, env: { POOL: pool, ISOLATE: String(isolate) } });
  }, 120_000);

  it('names each leak with its test and line, and removes it', () => {
    expect(end.verdict).toMatchObject({
      isFailure: true,
      orphans: [],
      left: [],
      failures: [],
      deadWorkers: 0,
    });
    const leaks = end.verdict['leaks'] as readonly Record<string, string>[];
    const found = leaks.map(({ test = '', source, state }) => `${test} ${source} ${state}`);
    expect(found.toSorted()).toEqual([
      ' at-load.ts:7 gone',
      'forgets a container of testcontainers forgets.test.ts:13 gone',
      'forgets one of two at once forgets.test.ts:22 gone',
      'forgets the other forgets.test.ts:26 gone',
    ]);
    expect(end).toMatchObject({ exitCode: 1, left: [] });
    expect(end.stderr).toContain('LEAKS_FOUND');
    expect(end.stderr).toContain("import { scope } from 'castoff/vitest'");
    expect(end.stderr).toContain("castoff({ ignore: ['image:castoff-spec/busybox:1'] })");
  });

  it('reports a handle that a file leaves open', () => {
    expect(end.verdict['handles']).toMatchObject([
      { test: 'forgets a timer', source: 'forgets.test.ts:30', count: 1 },
    ]);
  });

  it('fails what has a cleanup that fails, and nothing else', () => {
    const failed = [...new Set(end.stderr.match(/(?<= FAIL +).*$/gm))].map((line) => line.trim());
    expect(failed.toSorted()).toEqual([
      'broken.test.ts [ broken.test.ts ]',
      'owns.test.ts > on purpose > fails by its cleanup',
      'owns.test.ts > on purpose > fails by its cleanup, although it is to fail',
      'owns.test.ts > on purpose > fails with its container',
      'owns.test.ts > on purpose > in a block',
    ]);
    for (const [what, line] of [
      ['server', 88],
      ['client', 94],
      ['proxy', 108],
    ])
      expect(end.stderr).toMatch(
        new RegExp(
          `CastoffError: after owns\\.test\\.ts/.*: stop the ${what} \\(owns\\.test\\.ts:${line}\\): the ${what} is gone`,
        ),
      );
    expect(end.stdout).toContain('the scope of the broken file has closed');
    expect(end.stderr).not.toContain('Unhandled');
    expect(end.stdout).toMatch(/Tests +3 failed \| 14 passed \| 1 skipped/);
  });

  it('shows the container of a failing test, which is there until its hooks have run', () => {
    expect(end.stderr).toMatch(
      /AssertionError: expected 1 to be 2.*\n+container \S+ of castoff-spec\/busybox:1: created/,
    );
    expect(end.stdout).toContain('in onTestFailed: true');
  });
});
