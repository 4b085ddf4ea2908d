import { execFile, execFileSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import {
  appendFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { appendRuns } from '../../lib/durations/duration-file';
import { formatRuns } from '../../lib/durations/duration-lines';
import { compactHistory, durationsIn } from '../../lib/durations/parse-durations';
import { readDurations } from '../../lib/durations/stored-durations';
import { withTypeScript } from '../support/with-typescript';

const run = promisify(execFile);
const runsOf = (name: string, ...durationsMs: readonly number[]) =>
  durationsMs.map((durationMs) => ({ name, durationMs }));

describe('the text of a history', () => {
  const runs = fc.array(
    fc.record({ name: fc.constantFrom('a', 'b', 'ünïcode\n1 a;'), durationMs: fc.nat(2 ** 31) }),
  );

  it('has each run, by the name of its operation, in order', () => {
    fc.assert(
      fc.property(fc.array(runs), (appended) => {
        const text = appended.map((each) => formatRuns(each, '/app')).join('');
        for (const name of ['a', 'b', 'ünïcode\n1 a;', 'other']) {
          const own = appended.flat().filter((each) => each.name === name);
          expect(durationsIn(text, name, '/app')).toEqual(
            own.map(({ durationMs }) => durationMs).slice(-100),
          );
        }
      }),
    );
  });

  it('loses at most the torn line when an append was cut off anywhere, and invents no duration', () => {
    fc.assert(
      fc.property(fc.nat(40), (length) => {
        const torn = formatRuns(runsOf('a', 4_100, 4_200), '/app').slice(0, length);
        const found = durationsIn(torn + formatRuns(runsOf('a', 7), '/app'), 'a', '/app');
        expect([4_100, 4_200, 7]).toEqual(expect.arrayContaining([...found]));
        expect(found.at(-1)).toBe(7);
      }),
    );
  });

  it('ignores lines of another version, and anything else', () => {
    const [, line = ''] = formatRuns(runsOf('a', 5), '/app').split('\n');
    const text = `2${line.slice(1)}\n{"version":3}\n${line}x\n\0\0\n${line}\n`;
    expect(durationsIn(text, 'a', '/app')).toEqual([5]);
  });

  it('keeps the newest lines when it is cut, a few of each operation', () => {
    const text = formatRuns([...runsOf('rare', 1), ...runsOf('often', 2, 3, 4, 5)], '/app');
    const cut = compactHistory(`torn\n${text}1 torn`, 2, 1_000);
    expect([durationsIn(cut, 'rare', '/app'), durationsIn(cut, 'often', '/app')]).toEqual([[1], [4, 5]]);
    expect(compactHistory(text, 100, 40)).toHaveLength(2 * '1 xxxxxxxxxxx 5;\n'.length);
  });
});

describe('the file of a history', () => {
  let folder: string;
  let file: string;
  const before = process.env['CASTOFF_HISTORY'];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'castoff-history-'));
    process.env['CASTOFF_HISTORY'] = join(folder, 'cache');
    file = join(folder, 'cache/durations.log');
  });
  afterEach(async () => {
    process.env['CASTOFF_HISTORY'] = before;
    await rm(folder, { recursive: true, force: true });
  });
  const append = (...durationsMs: readonly number[]): void => appendRuns(runsOf('a', ...durationsMs), folder);
  const read = (): readonly number[] => readDurations('a', folder);
  const lib = JSON.stringify(join(__dirname, '../../lib/durations/duration-file.ts'));
  /** Runs `script` in that many processes, numbered from 0, at the same time. */
  const runProcesses = async (count: number, script: string): Promise<void> => {
    const args = [...withTypeScript, '-e', `const { appendRuns } = require(${lib});\n${script}`];
    const processes = Array.from({ length: count }, (_, number) =>
      run(process.execPath, [...args, String(number)], { env: process.env }),
    );
    await Promise.all(processes);
  };

  it('is created with the first runs, and has those of all appends', () => {
    expect(read()).toEqual([]);
    append(1, 2);
    append(3);
    expect(read()).toEqual([1, 2, 3]);
  });

  it('is in the cache folder of the nearest node_modules by default', async () => {
    delete process.env['CASTOFF_HISTORY'];
    await mkdir(join(folder, 'node_modules'));
    await mkdir(join(folder, 'packages/web'), { recursive: true });
    appendRuns(runsOf('a', 1), join(folder, 'packages/web'));
    expect(existsSync(join(folder, 'node_modules/.cache/castoff/durations.log'))).toBe(true);
    expect(readDurations('a', join(folder, 'packages/web'))).toEqual([1]);
    // Another package that shares it.
    expect(readDurations('a', join(folder, 'packages'))).toEqual([]);
  });

  it('is not created without a node_modules, or when it is turned off', async () => {
    delete process.env['CASTOFF_HISTORY'];
    append(1);
    process.env['CASTOFF_HISTORY'] = 'off';
    append(1);
    expect(await readdir(folder)).toEqual([]);
  });

  it.each<[string, () => Promise<unknown>]>([
    ['a folder', () => mkdir(file, { recursive: true })],
    [
      'a link to a device',
      async () => {
        await mkdir(join(folder, 'cache'));
        await symlink('/dev/full', file);
      },
    ],
    ['in a file', () => writeFile(join(folder, 'cache'), '')],
    [
      'a named pipe that no process reads',
      async () => {
        await mkdir(join(folder, 'cache'));
        execFileSync('sh', ['-c', 'mkfifo "$0"', file]);
      },
    ],
  ])('is not written, and has no runs, when its path is %s', async (_what, make) => {
    await make();
    append(1);
    expect(read()).toEqual([]);
  });

  it('is read and appended to after other programs wrote anything into it', async () => {
    append(1);
    await appendFile(file, Buffer.from([0xff, 0x00, 0x0a, 0x31, 0x20]));
    append(2);
    expect(read()).toEqual([1, 2]);
  });

  it('is cut when it is too long, even if it was filled with gigabytes, and keeps the newest runs', async () => {
    append(1);
    await run('truncate', ['--size', '20G', file]);
    append(2, 3);
    expect(statSync(file).size).toBeLessThan(100);
    expect(read()).toEqual([2, 3]);
    expect(await readdir(join(folder, 'cache'))).toEqual(['durations.log']);
  });

  it('is cut once the temporary file of a process that crashed while cutting is old', async () => {
    append(1);
    await run('truncate', ['--size', '5M', file]);
    await writeFile(`${file}.new`, '');
    append(2);
    expect(statSync(file).size).toBeGreaterThan(5_000_000);
    const future = new Date(Date.now() + 3_600_000);
    await utimes(`${file}.new`, future, future);
    append(3);
    expect(read()).toEqual([2, 3]);
  });

  it('has every run of many processes that append at the same time, and no torn line', async () => {
    await runProcesses(
      8,
      `for (let round = 0; round < 50; round += 1)
        appendRuns(Array.from({ length: 20 }, (_, at) => ({ name: process.argv[1], durationMs: round * 20 + at })), '/');`,
    );
    const expected = Array.from({ length: 100 }, (_, at) => 900 + at);
    for (let number = 0; number < 8; number += 1)
      expect(readDurations(String(number), '/')).toEqual(expected);
    const lines = (await readFile(file, 'latin1')).split('\n').filter((line) => line !== '');
    expect(lines).toHaveLength(8 * 50 * 20);
    expect(lines.filter((line) => !/^1 [\w-]{11} \d+;$/.test(line))).toEqual([]);
  });

  it('is never torn while many processes append and cut', async () => {
    await runProcesses(
      4,
      `const runs = Array.from({ length: 30_000 }, (_, at) => ({ name: 'run ' + (at % 2_000), durationMs: 123_456 }));
      for (let round = 0; round < 6; round += 1) appendRuns(runs, '/');`,
    );
    const lines = (await readFile(file, 'latin1')).split('\n').filter((line) => line !== '');
    expect(lines.filter((line) => !/^1 [\w-]{11} 123456;$/.test(line))).toEqual([]);
    expect(readDurations('run 7', '/').length).toBeGreaterThanOrEqual(40);
    expect(statSync(file).size).toBeLessThan(8 * 1024 * 1024);
  });
});
