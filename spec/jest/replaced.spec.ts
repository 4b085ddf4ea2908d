import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { copyProject } from '../support/jest-project';
import { runJest } from '../support/jest-run';
import { removeResourcesOfRun, resourcesOfRun } from '../support/jest-run-resources';
import { runJudged, type JudgedJest } from '../support/judged-jest';
import { isLong } from '../support/spec-size';
import { withoutWaiting } from '../support/without-waiting';

const exec = promisify(execFile);

/** Files of the fixture, each named after the modules or globals that it replaces. */
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

it('castoff ends the session of a script that replaces the same modules and globals', async () => {
  const project = await copyProject('replaced', { jest: '30', files: {}, modules: {} });
  const id = `castoff-spec-run-${randomBytes(6).toString('hex')}`;
  const env = {
    ...process.env,
    CASTOFF_SWEEP: 'off',
    CASTOFF_REAPER: 'process',
    CASTOFF_SPEC_RUN: id,
    TESTCONTAINERS_RYUK_DISABLED: 'true',
  };
  const script = async (args: readonly string[]) => {
    const { stdout, stderr } = await exec(process.execPath, args, { cwd: project.folder, env });
    return { stdout, stderr: withoutWaiting(stderr) };
  };
  try {
    const names = ['nock-14', 'msw', 'nock-13', 'modules', 'globals', 'node-timers'];
    const { stdout, stderr } = await script(['plain.js', ...names]);
    expect(stderr).toBe('');
    expect(stdout.trim().split('\n')).toEqual(names);
    // Loaded before everything else, nock 14 makes Testcontainers fail with EPIPE once in some 160 starts, also without castoff.
    for (const early of isLong ? ['nock', 'nock-13'] : ['nock-13']) {
      const name = early.replace(/^nock$/, 'nock-14');
      const loadedFirst = ['--require', early, 'plain.js', name];
      expect(await script(loadedFirst)).toEqual({ stdout: `${name}\n`, stderr: '' });
    }
    expect(await resourcesOfRun(id)).toEqual([]);
  } finally {
    await removeResourcesOfRun(id);
    await project.remove();
  }
}, 120_000);

if (isLong) {
  it('the tests that replace modules and globals pass without castoff', async () => {
    const args = ['--config', 'plain.config.js', '--runInBand'];
    const { stderr, exitCode, left } = await runJest('replaced', { args });
    const total = replacements.length;
    expect(stderr).toContain(`Tests:       ${total} passed, ${total} total`);
    expect({ exitCode, left }).toEqual({ exitCode: 0, left: [] });
  }, 120_000);
}

describe.each([
  ['in band', replacements],
  // One file for each worker.
  ['in workers', [...(isLong ? ['nock-14'] : []), 'legacy-timers', 'modules']],
])('castoff, %s, with tests that replace the modules and globals it uses', (how, files) => {
  let end: JudgedJest;
  beforeAll(async () => {
    const args = how === 'in band' ? ['--runInBand'] : ['--maxWorkers', '2'];
    end = await runJudged('replaced', { args: [...args, ...files] });
  }, 180_000);

  it('lets all tests pass', () => {
    const total = 4 * files.length;
    expect(end.stderr).toContain(`Tests:       ${total} passed, ${total} total`);
  });

  it('reports the leak of each file, and removes everything', () => {
    const { leaks, left, failures } = end.verdict;
    expect({ left, failures }).toEqual({ left: [], failures: [] });
    expect(leaks.map(({ state, test }) => [state, test])).toEqual(files.map(() => ['gone', 'forgets one']));
    expect(end.left).toEqual([]);
  });

  it('prints no warning', () => {
    expect(end.stderr).not.toMatch(/Warning/);
  });
});

describe('the build', () => {
  const dist = join(__dirname, '../../dist');

  it('uses its own copies of everything that tests replace, in all files that a test process loads', async () => {
    // The CLI and the reaper are programs of their own, and Vitest loads its plugin in the process that starts the workers.
    const others = /^cli\.js$|^cli\/|^vitest\/plugin\.js$|reaper-server|jest\/build\/(pristine|core-copies)/;
    const files = (await readdir(dist, { recursive: true })).filter(
      (file) => file.endsWith('.js') && !others.test(file),
    );
    expect(files.length).toBeGreaterThan(20);
    const modules = 'child_process|crypto|dns|fs|fs/promises|http|https|net|os|timers|timers/promises|tls';
    const direct = new RegExp(
      String.raw`require\("(node:)?(${modules})"\)|getBuiltinModule\(|(?<![\w.#$"'])(set|clear)(Timeout|Interval|Immediate)\((?!\) \{)|(?<![\w.$])(new Date\(|Date\.now|JSON\.(parse|stringify)\(|performance\.now|process\.(emitWarning|nextTick|cwd|kill)\()`,
    );
    // Comments, and code for another process.
    const isText = /^\s*(\/?\*|\/\/)|"--print"/;
    const found: string[] = [];
    for (const file of files) {
      const lines = (await readFile(join(dist, file), 'utf8')).split('\n');
      expect(lines.filter((line) => /require\("[^"]*\bcli\b/.test(line))).toEqual([]);
      found.push(
        ...lines.filter((line) => direct.test(line) && !isText.test(line)).map((line) => `${file}: ${line}`),
      );
    }
    expect(found).toEqual([]);
  });
});
