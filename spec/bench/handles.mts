import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { limit, time, type Contender, type Job } from './paired.mts';

const run = promisify(execFile);
const repository = join(import.meta.dirname, '../..');

const cleanTests = 200;

/** Test files; those that measure themselves write the amount to `result.txt`. */
const testFiles = {
  'trivial.test.js': "for (let at = 0; at < 1_000; at += 1) test('works ' + at, () => {});",
  'timers.test.js':
    "for (let at = 0; at < 1_000; at += 1) test('works ' + at, () => { clearTimeout(setTimeout(() => {}, 1_000)); });",
  'clean.test.js': `
    const { once } = require('node:events');
    const net = require('node:net');
    for (let at = 0; at < ${cleanTests}; at += 1)
      test('works ' + at, async () => {
        clearInterval(setInterval(() => {}, 1_000));
        const server = net.createServer((accepted) => accepted.end()).listen(0);
        await once(server, 'listening');
        const socket = net.connect(server.address().port).resume();
        await once(socket, 'close');
        await once(server.close(), 'close');
      });`,
  'heap.test.js': `
    require('node:v8').setFlagsFromString('--expose-gc');
    const collect = require('node:vm').runInNewContext('gc');
    const usedMiB = () => (collect(), process.memoryUsage().heapUsed / 2 ** 20);
    let first;
    for (let at = 1; at <= 5_500; at += 1)
      test('works ' + at, () => {
        clearTimeout(setTimeout(() => {}, 1_000));
        if (at === 500) first = usedMiB();
        if (at === 5_500) require('node:fs').writeFileSync('result.txt', String(usedMiB() - first));
      });`,
  'many-timers.test.js': `
    test('opens and closes', () => {
      const startedAt = performance.now();
      for (let at = 0; at < 200_000; at += 1) {
        clearTimeout(setTimeout(() => {}, 1_000));
        clearImmediate(setImmediate(() => {}));
      }
      require('node:fs').writeFileSync('result.txt', String(performance.now() - startedAt));
    });`,
} as const;

type TestFile = keyof typeof testFiles;

/** What a project sets `handles` to; `undefined`: it has no castoff. */
type Handles = 'report' | 'off' | undefined;

/** What the watch of handles costs tests, against the same tests without it. */
export async function handleJobs(
  rounds: number,
): Promise<{ readonly jobs: readonly Job[] } & AsyncDisposable> {
  const folder = await makeProject();
  const wholeRun = (file: TestFile, handles: Handles) => () => time(() => runJest(folder, file, handles));
  const ownAmount = (file: TestFile, handles: Handles) => async (): Promise<number> => {
    await runJest(folder, file, handles);
    return Number(await readFile(join(folder, 'result.txt'), 'utf8'));
  };
  const report = (measure: () => Promise<number>): Contender => ({ name: 'handles: report', run: measure });
  const off = (measure: () => Promise<number>): Contender => ({ name: 'handles: off', run: measure });
  const runs = (name: string, file: TestFile): Job => ({
    name,
    rounds,
    subject: report(wholeRun(file, 'report')),
    rivals: [{ contender: off(wholeRun(file, 'off')), budget: 1.05 }],
  });
  const added = (measure: (handles: Handles) => () => Promise<number>, count = 1): Contender => ({
    name: 'handles: report adds to off',
    run: async () => ((await measure('report')()) - (await measure('off')())) / count,
  });
  return {
    jobs: [
      runs('handles: 1 000 trivial tests', 'trivial.test.js'),
      runs('handles: 1 000 tests with a closed timer each', 'timers.test.js'),
      {
        name: 'handles: a test with a closed timer, server and connection',
        rounds: 3,
        subject: added((handles) => wholeRun('clean.test.js', handles), cleanTests),
        rivals: [limit(2)],
      },
      {
        name: 'handles: heap after 5 000 tests',
        unit: 'MiB',
        rounds: 3,
        subject: added((handles) => ownAmount('heap.test.js', handles)),
        rivals: [limit(0.5, 'MiB')],
      },
      {
        name: 'handles: 200 000 closed timers and immediates',
        rounds: 5,
        subject: off(ownAmount('many-timers.test.js', 'off')),
        rivals: [
          {
            contender: { name: 'Jest without castoff', run: ownAmount('many-timers.test.js', undefined) },
            budget: 1.05,
          },
        ],
      },
      { name: 'handles: 10 000 live timers', rounds, subject: snapshotIn(folder), rivals: [limit(20)] },
    ],
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** A program that writes how long `findLeaks` takes to list what is open, before it waits. */
const snapshotProgram = `
  const { findLeaks, takeSnapshot } = require('castoff');
  takeSnapshot();
  for (let at = 0; at < 10_000; at += 1) setTimeout(() => {}, 60_000);
  const startedAt = performance.now();
  const finding = findLeaks();
  const ms = performance.now() - startedAt;
  finding.then(([leak]) => {
    console.log(leak.count === 10_000 ? ms : NaN);
    process.exit();
  });`;

function snapshotIn(folder: string): Contender {
  return {
    name: 'a list of what is open',
    async run() {
      const { stdout } = await run(process.execPath, ['snapshot.js'], { cwd: folder });
      return Number(stdout);
    },
  };
}

async function makeProject(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'castoff-bench-'));
  const modules = join(folder, 'node_modules');
  for (const part of ['package.json', 'dist'])
    await cp(join(repository, part), join(modules, 'castoff', part), { recursive: true });
  await symlink(join(repository, 'node_modules/jest'), join(modules, 'jest'));
  const files = {
    'package.json': '{}',
    'jest.config.js': "module.exports = { preset: 'castoff' };",
    'plain.config.js': 'module.exports = {};',
    // Jest's reporters hold its exit for up to 100 ms, depending on when the file ends.
    'silent-reporter.js': 'module.exports = class {};',
    'snapshot.js': snapshotProgram,
    ...testFiles,
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

async function runJest(folder: string, file: TestFile, handles: Handles): Promise<void> {
  const jest = join(folder, 'node_modules/jest/bin/jest.js');
  const config = handles === undefined ? 'plain.config.js' : 'jest.config.js';
  const silent = '--reporters=./silent-reporter.js';
  const cache = ['--cacheDirectory', join(folder, 'cache')];
  const args = [
    jest,
    '--config',
    config,
    '--runInBand',
    '--silent',
    ...cache,
    '--runTestsByPath',
    file,
    silent,
  ];
  const env = { ...process.env, CASTOFF_SWEEP: 'off', CASTOFF_HANDLES: handles };
  await run(process.execPath, args, { cwd: folder, env });
}
