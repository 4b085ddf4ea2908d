// Runs public Jest suites once without castoff, and then several times with it and `handles: 'fail'`. Fails on a handle that is
// reported, and on a test that ends differently. Packages ship the suites: needs a registry for what CASTOFF_FOREIGN_FOLDER has not
// got yet, but no engine. --runs <n> (20), --suite <name>; --install ends before the runs.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { suites, type Suite } from './suites.mts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '20' },
    suite: { type: 'string' },
    install: { type: 'boolean', default: false },
  },
});
const folder = process.env['CASTOFF_FOREIGN_FOLDER'] ?? join(tmpdir(), 'castoff-foreign');
const chosen = suites.filter(({ name }) => values.suite === undefined || values.suite === name);

for (const suite of chosen) install(suite);
if (!values.install) {
  const castoff = packCastoff();
  const wrong = chosen.filter((suite) => !judge(suite, castoff));
  process.exitCode = wrong.length === 0 ? 0 : 1;
}

/** Installs a suite, unless that has been done, and copies it out of `node_modules`, where Jest ignores tests. */
function install({ name, version, packages }: Suite): void {
  const cwd = folderOf({ name, version });
  if (existsSync(join(cwd, 'suite'))) return;
  mkdirSync(cwd, { recursive: true });
  const devDependencies = { ...packages, [name]: version };
  writeFileSync(join(cwd, 'package.json'), JSON.stringify({ private: true, devDependencies }));
  run('npm', ['install', '--ignore-scripts', '--legacy-peer-deps', '--no-audit', '--no-fund'], cwd);
  cpSync(join(cwd, 'node_modules', name), join(cwd, 'suite'), { recursive: true });
}

/** Packs this repository as npm publishes it. Returns the path of the package. */
function packCastoff(): string {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder], '.');
  return join(folder, `castoff-${version}.tgz`);
}

/** Runs a suite, and prints the outcome. Returns whether castoff changed nothing and reported no handle. */
function judge(suite: Suite, castoff: string): boolean {
  const cwd = folderOf(suite);
  const target = join(cwd, 'node_modules/castoff');
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target);
  run('tar', ['-xzf', castoff, '-C', target, '--strip-components=1'], '.');
  const config = JSON.stringify({ rootDir: join(cwd, 'suite'), testTimeout: 60_000, ...suite.config });
  writeFileSync(join(cwd, 'plain.config.cjs'), `module.exports = ${config};\n`);
  const wrapped = `require('castoff/jest-preset').withCastoff(${config}, { handles: 'fail' })`;
  writeFileSync(join(cwd, 'castoff.config.cjs'), `module.exports = ${wrapped};\n`);
  const plain = runJest(suite, 'plain');
  const failed = [...plain.tests].filter(([, status]) => status === 'failed').map(([test]) => test);
  const runs = Array.from({ length: Number(values.runs) }, () => runJest(suite, 'castoff'));
  const alarms = runs.flatMap(({ handles }) => handles);
  const differences = runs.flatMap(({ tests }) => differencesOf(plain.tests, tests));
  const lines = [
    `${suite.name} ${suite.version}: ${plain.tests.size} tests, ${failed.length} of them fail without castoff`,
    `  ${runs.length} runs with castoff: ${alarms.length} handles reported, ${differences.length} tests ended differently`,
    `  seconds of a run: ${seconds(plain)} without castoff, ${seconds(...runs)} with it (median)`,
    ...[...new Set([...failed.map((test) => `fails: ${test}`), ...alarms, ...differences])].map(
      (line) => `  ${line}`,
    ),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  return alarms.length === 0 && differences.length === 0 && failed.length === 0;
}

interface Outcome {
  /** The status of each test, by its full name. */
  readonly tests: ReadonlyMap<string, string>;
  /** What castoff has reported. */
  readonly handles: readonly string[];
  readonly durationMs: number;
}

function runJest(suite: Suite, config: 'plain' | 'castoff'): Outcome {
  const cwd = folderOf(suite);
  const [results, report] = [join(cwd, 'results.json'), join(cwd, 'report.json')];
  for (const file of [results, report]) rmSync(file, { force: true });
  const startedAt = performance.now();
  const { stderr } = spawnSync(
    process.execPath,
    [
      join(cwd, 'node_modules/jest/bin/jest.js'),
      '--config',
      join(cwd, `${config}.config.cjs`),
      '--json',
      '--outputFile',
      results,
      '--silent',
      '--forceExit',
      '--maxWorkers=2',
    ],
    {
      cwd: join(cwd, 'suite'),
      env: { ...process.env, CASTOFF_REPORT_FILE: report, CASTOFF_SWEEP: 'off', ...suite.env },
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    },
  );
  const durationMs = performance.now() - startedAt;
  if (!existsSync(results)) throw new Error(`Jest wrote no results:\n${stderr}`);
  const { testResults } = JSON.parse(readFileSync(results, 'utf8')) as JestResults;
  const tests = testResults.flatMap(({ name, status, assertionResults }) => {
    // A file that fails to load has no tests.
    if (assertionResults.length === 0) return [[name, status] as const];
    return assertionResults.map(({ fullName, status: own }) => [`${name} ${fullName}`, own] as const);
  });
  const short = tests.map(([test, status]) => [test.replace(join(cwd, 'suite/'), ''), status] as const);
  return {
    tests: new Map(short),
    handles: config === 'plain' ? [] : readHandles(report, stderr),
    durationMs,
  };
}

/** @see Jest, `FormattedTestResults` */
interface JestResults {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

function readHandles(report: string, stderr: string): readonly string[] {
  if (!existsSync(report)) throw new Error(`castoff wrote no report:\n${stderr}`);
  const { handles } = JSON.parse(readFileSync(report, 'utf8')) as {
    readonly handles: readonly Readonly<Record<'what' | 'source' | 'scope', string>>[];
  };
  return handles.map(({ what, source, scope }) => `reported: ${what}, opened at ${source} in ${scope}`);
}

function differencesOf(expected: Outcome['tests'], actual: Outcome['tests']): readonly string[] {
  const names = new Set([...expected.keys(), ...actual.keys()]);
  return [...names]
    .filter((name) => expected.get(name) !== actual.get(name))
    .map(
      (name) =>
        `${name}: ${expected.get(name) ?? 'missing'} without castoff, ${actual.get(name) ?? 'missing'} with it`,
    );
}

function seconds(...outcomes: readonly Outcome[]): string {
  const sorted = outcomes.map(({ durationMs }) => durationMs / 1000).toSorted((a, b) => a - b);
  return (sorted[Math.floor(sorted.length / 2)] ?? 0).toFixed(1);
}

function folderOf({ name, version }: Pick<Suite, 'name' | 'version'>): string {
  return join(folder, `${name}-${version}`);
}

function run(command: string, args: readonly string[], cwd: string): void {
  const { status } = spawnSync(command, args, { cwd, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
