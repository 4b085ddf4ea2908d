import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { startJest } from '../support/jest-run';
import { runJudged, type JudgedJest } from '../support/judged-jest';

const exec = promisify(execFile);

/** What tests replace, by the files of the fixture. */
const replacements = [
  'early-timers',
  'globals',
  'legacy-timers',
  'modern-timers',
  'modules',
  'msw',
  'nock-13',
  'nock-14',
];

it('knows that the tests pass without castoff, and scripts with it', async () => {
  const args = ['--config', 'plain.config.js', '--runInBand'];
  const env = { TESTCONTAINERS_RYUK_DISABLED: 'true' };
  const run = await startJest('replaced', { args, env });
  try {
    const { stderr, exitCode } = await run.ended;
    const total = replacements.length;
    expect(stderr).toContain(`Tests:       ${total} passed, ${total} total`);
    expect(exitCode).toBe(0);
    const names = ['nock-14', 'msw', 'nock-13', 'modules', 'globals', 'node-timers'];
    const options = {
      cwd: run.folder,
      env: { ...process.env, CASTOFF_SWEEP: 'off', CASTOFF_REAPER: 'process', CASTOFF_SPEC_RUN: run.id },
    };
    const { stdout, stderr: warnings } = await exec(process.execPath, ['plain.js', ...names], options);
    expect(warnings).toBe('');
    expect(stdout.trim().split('\n')).toEqual(names);
    for (const early of ['nock', 'nock-13']) {
      const name = early.replace(/^nock$/, 'nock-14');
      const loadedFirst = ['--require', early, 'plain.js', name];
      expect(await exec(process.execPath, loadedFirst, options)).toEqual({ stdout: `${name}\n`, stderr: '' });
    }
    expect(await run.things()).toEqual([]);
  } finally {
    await run.close();
  }
}, 120_000);

describe.each([
  ['in band', replacements],
  ['in workers', ['legacy-timers', 'modules', 'nock-14']],
])('castoff, %s, under tests that replace what it depends on', (how, files) => {
  let end: JudgedJest;
  beforeAll(async () => {
    const args = how === 'in band' ? ['--runInBand'] : ['--maxWorkers', '2'];
    end = await runJudged('replaced', { args: [...args, ...files] });
  }, 180_000);

  it('lets all of them pass', () => {
    const total = 4 * files.length;
    expect(end.stderr).toContain(`Tests:       ${total} passed, ${total} total`);
  });

  it('names the leak of each file, and removes all', () => {
    const { leaks, left, failures } = end.verdict;
    expect({ left, failures }).toEqual({ left: [], failures: [] });
    expect(leaks.map(({ state, test }) => [state, test])).toEqual(files.map(() => ['gone', 'forgets one']));
    expect(end.left).toEqual([]);
  });

  it('warns of nothing', () => {
    expect(end.stderr).not.toMatch(/Warning/);
  });
});

describe('the build', () => {
  const dist = join(__dirname, '../../dist');

  it('takes everything that tests replace from the copies, in all that a test process loads', async () => {
    const files = (await readdir(dist, { recursive: true })).filter(
      (file) => file.endsWith('.js') && !/reaper-server|chunks\/(pristine|core-copies)/.test(file),
    );
    expect(files.length).toBeGreaterThan(20);
    const modules = 'child_process|crypto|dns|fs|fs/promises|http|https|net|os|timers|timers/promises|tls';
    const direct = new RegExp(
      String.raw`require\("(node:)?(${modules})"\)|getBuiltinModule\(|(?<![\w.#$"'])(set|clear)(Timeout|Interval|Immediate)\((?!\) \{)|(?<![\w.$])(new Date\(|Date\.now|JSON\.(parse|stringify)\(|performance\.now|process\.(emitWarning|nextTick|cwd|kill)\()`,
    );
    // Comments, and what another process is to run.
    const isText = /^\s*(\/?\*|\/\/)|"--print"/;
    const found: string[] = [];
    for (const file of files) {
      const lines = (await readFile(join(dist, file), 'utf8')).split('\n');
      found.push(
        ...lines.filter((line) => direct.test(line) && !isText.test(line)).map((line) => `${file}: ${line}`),
      );
    }
    expect(found).toEqual([]);
  });
});
