import { execFile } from 'node:child_process';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { copyFixture, ownModules } from '../support/fixture-project';
import { isLong } from '../support/spec-size';
import { packagesOf, runVitest, startVitest, type VitestVersion } from '../support/vitest-run';

const versions: readonly VitestVersion[] = isLong ? ['4', '3'] : ['4'];

async function runsAsWithoutCastoff(vitest: VitestVersion): Promise<void> {
  const end = await runVitest('guest', { vitest });
  expect(end.stdout).toMatch(/Tests +4 passed \(4\)/);
  expect(end.stdout).toContain('the own runner has run');
  expect(end.stdout).toContain('the global teardown has run');
  expect(end.stderr.match(/^castoff: .*$/gm)).toEqual([
    'castoff: project other is not watched; add castoff() to its plugins, or set extends: true',
    'castoff: 4 containers, all gone',
  ]);
  expect(end.verdict).toMatchObject({ isFailure: false, leaks: [], handles: [], left: [], failures: [] });
  expect(end).toMatchObject({ exitCode: 0, left: [] });
}

async function neverAlarms(vitest: VitestVersion): Promise<void> {
  for (let round = 0; round < 20; round += 1) await runsAsWithoutCastoff(vitest);
}

async function endOf(vitest: VitestVersion, extend: boolean): Promise<object> {
  const run = await startVitest('projects', { vitest, env: { EXTEND: String(extend), CI: '1' } });
  try {
    return await run.ended;
  } finally {
    await run.close();
  }
}

async function failsUnwatched(vitest: VitestVersion): Promise<void> {
  const line =
    'castoff: no test file of this run was watched; use Vitest 3.2 or later, and set extends: true';
  expect(await endOf(vitest, false)).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(line) });
}

async function watchesExtended(vitest: VitestVersion): Promise<void> {
  const line = 'castoff: watched this run; it created nothing';
  expect(await endOf(vitest, true)).toMatchObject({ exitCode: 0, stderr: expect.stringContaining(line) });
}

async function warns(vitest: VitestVersion): Promise<void> {
  const env = { CASTOFF_LEAKS: 'warn', CASTOFF_IGNORE: 'file:at-load.ts', CASTOFF_HANDLES: 'off' };
  const end = await runVitest('both-ways', { vitest, args: ['forgets', 'shares'], env });
  expect(end.stderr).toMatch(/^castoff: 3 leaks among 5 containers/m);
  expect(end.verdict).toMatchObject({
    isFailure: false,
    ignoredLeaks: [{ source: 'at-load.ts:7' }],
    handles: [],
  });
  expect(end).toMatchObject({ exitCode: 0, left: [] });
}

async function runsWithWindow(vitest: VitestVersion): Promise<void> {
  const end = await runVitest('window', { vitest });
  expect(end.stdout).toMatch(/Tests +1 passed \(1\)/);
  expect(end.stderr).toMatch(/^castoff: 1 container, all gone$/m);
  expect(end).toMatchObject({ exitCode: 0, left: [] });
}

/** Checks the types of the built package, in a config with `defineConfig` and in a test. */
async function hasTypes(vitest: VitestVersion): Promise<void> {
  const tsc = join(ownModules, 'typescript/bin/tsc');
  const flags = '--noEmit --strict --exactOptionalPropertyTypes --skipLibCheck --allowImportingTsExtensions';
  const target = '--target es2024 --lib es2024,dom,esnext.disposable --types node --module esnext';
  const args = [tsc, ...`${flags} ${target} --moduleResolution bundler`.split(' ')];
  const packages = { ...packagesOf(vitest), '@types': join(ownModules, '@types') };
  const { folder, remove } = await copyFixture('vitest/both-ways', { files: {}, packages });
  try {
    // Fixtures install the build without types.
    await cp(join(ownModules, '../dist'), join(folder, 'node_modules/castoff/dist'), {
      recursive: true,
      force: false,
    });
    const files = ['vitest.config.ts', 'owns.test.ts'];
    const checked = await promisify(execFile)(process.execPath, [...args, ...files], { cwd: folder });
    expect(checked).toEqual({ stdout: '', stderr: '' });
  } finally {
    await remove();
  }
}

type Behaviour = readonly [string, (vitest: VitestVersion) => Promise<void>];

const first: Behaviour = [
  'runs beside the own parts of a project as without castoff, and without an alarm',
  runsAsWithoutCastoff,
];
const others: readonly Behaviour[] = [
  ['raises no alarm in 20 runs', neverAlarms],
  ['fails a run of projects that do not inherit the plugin, instead of passing unwatched', failsUnwatched],
  ['watches projects that extend the root config', watchesExtended],
  ['has types for the config and for tests', hasTypes],
  ['works beside a window of jsdom', runsWithWindow],
  ['only reports leaks, and ignores some, if the settings say so', warns],
];

describe.each(versions)('the plugin, Vitest %s', (vitest) => {
  it.each(isLong ? [first, ...others] : [first])(
    '%s',
    async (_, check) => {
      await check(vitest);
      expect.hasAssertions();
    },
    300_000,
  );
});
