import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { time, type Contender, type Job } from './paired.mts';

const run = promisify(execFile);
const repository = join(import.meta.dirname, '../..');

/** Whole runs of 1 000 trivial tests in one file, and of tests that open and close a timer, with the watch of handles and without. */
export async function handleJobs(
  rounds: number,
): Promise<{ readonly jobs: readonly Job[] } & AsyncDisposable> {
  const folder = await makeProject();
  const contender = (name: string, file: string, handles: string): Contender => ({
    name,
    run: () => time(() => runJest(folder, file, handles)),
  });
  const job = (name: string, file: string): Job => ({
    name,
    rounds,
    subject: contender('handles: report', file, 'report'),
    rivals: [{ contender: contender('handles: off', file, 'off'), budget: 1.05 }],
  });
  return {
    jobs: [
      job('1 000 trivial tests', 'trivial.test.js'),
      job('1 000 tests with a closed timer each', 'timers.test.js'),
    ],
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

async function makeProject(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'castoff-bench-'));
  const modules = join(folder, 'node_modules');
  for (const part of ['package.json', 'dist'])
    await cp(join(repository, part), join(modules, 'castoff', part), { recursive: true });
  await symlink(join(repository, 'node_modules/jest'), join(modules, 'jest'));
  await mkdir(folder, { recursive: true });
  const files = {
    'package.json': '{}',
    'jest.config.js': "module.exports = { preset: 'castoff' };",
    // Jest's reporters hold its exit for up to 100 ms, depending on when the file ends.
    'silent-reporter.js': 'module.exports = class {};',
    'trivial.test.js': "for (let at = 0; at < 1_000; at += 1) test('works ' + at, () => {});",
    'timers.test.js':
      "for (let at = 0; at < 1_000; at += 1) test('works ' + at, () => { clearTimeout(setTimeout(() => {}, 1_000)); });",
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

async function runJest(folder: string, file: string, handles: string): Promise<void> {
  const jest = join(folder, 'node_modules/jest/bin/jest.js');
  const silent = '--reporters=./silent-reporter.js';
  const args = [jest, '--runInBand', '--silent', '--cacheDirectory', join(folder, 'cache'), file, silent];
  const env = { ...process.env, CASTOFF_SWEEP: 'off', CASTOFF_HANDLES: handles };
  await run(process.execPath, args, { cwd: folder, env });
}
