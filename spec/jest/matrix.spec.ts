import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { JestRunOptions } from '../support/jest-run';
import { runJudged, type JudgedJest } from '../support/judged-jest';
import { isLong } from '../support/spec-size';

const leak = { kind: 'container', state: 'gone', test: 'forgets a container', source: 'forgets.test.js:5' };
const workers = ['--maxWorkers', '2'];

/** An environment for browsers resolves packages by other conditions; castoff has to load there as well. */
const jsdom = "module.exports = { preset: 'castoff', transform: {}, testEnvironment: 'jsdom' };";
const threads = "module.exports = { preset: 'castoff', transform: {}, workerThreads: true };";

/** The fixture's files with `import` for `require`. */
const esm = {
  'package.json': '{ "type": "module" }',
  'jest.config.js': "export default { preset: 'castoff', transform: {} };",
  ...Object.fromEntries(['sleeper.js', 'owns.test.js', 'forgets.test.js'].map(asModule)),
};

function asModule(file: string): [string, string] {
  const text = readFileSync(join(__dirname, '../fixtures/jest/both-ways', file), 'utf8');
  const imports = text.replaceAll(/^const (.+) = require\((.+)\);$/gm, 'import $1 from $2;');
  return [file, imports.replace('exports.sleeper =', 'export const sleeper =')];
}

type Row = readonly [string, JestRunOptions];

/** Covers each value of each column, except Jest 30 with processes, which alarms.spec.ts covers. */
const sample: readonly Row[] = [
  ['Jest 30, workers as threads', { args: workers, files: { 'jest.config.js': threads } }],
  ['Jest 30, jsdom, in band', { args: ['--runInBand'], files: { 'jest.config.js': jsdom } }],
  ['Jest 29, ES modules', { jest: '29', args: workers, nodeArgs: ['--experimental-vm-modules'], files: esm }],
];

const others: readonly Row[] = [
  ['Jest 30, workers as processes', { args: workers }],
  ['Jest 30, in band', { args: ['--runInBand'] }],
  ['Jest 30, ES modules', { args: workers, nodeArgs: ['--experimental-vm-modules'], files: esm }],
  ['Jest 29, workers as processes', { jest: '29', args: workers }],
  ['Jest 29, in band', { jest: '29', args: ['--runInBand'] }],
];

describe.each(isLong ? [...sample, ...others] : sample)('%s', (_, options) => {
  let end: JudgedJest;

  it('reports the one leak of four tests with its test and line, and leaves nothing', async () => {
    end = await runJudged('both-ways', options);
    expect(end.stderr).toMatch(/Tests: +4 passed, 4 total/);
    expect(end.verdict).toMatchObject({
      isFailure: true,
      counts: { container: 3 },
      leaks: [leak],
      left: [],
      failures: [],
    });
    expect(end).toMatchObject({ exitCode: 1, left: [] });
  });
});

// two-runs.spec.ts judges runs side by side too.
if (isLong) {
  describe('a run in two shards', () => {
    it('reports the leak in the shard that has its file', async () => {
      const shards = await Promise.all(
        ['1/2', '2/2'].map((shard) => runJudged('both-ways', { args: ['--shard', shard] })),
      );
      expect(new Set(shards.map(({ exitCode }) => exitCode))).toEqual(new Set([0, 1]));
      expect(shards.flatMap(({ verdict }) => verdict.leaks)).toMatchObject([leak]);
      expect(shards.flatMap(({ left }) => left)).toEqual([]);
    });
  });
}
