import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { JestVersion } from '../support/jest-project';
import { startJest } from '../support/jest-run';

/** Runs all files of the fixture. Returns their notes, the results of their tests, and the output of Jest. */
async function runScopes(jest: JestVersion) {
  const run = await startJest('scopes', { jest, args: ['--json', '--outputFile=results.json'] });
  try {
    const { stderr } = await run.ended;
    const notes = (await readFile(join(run.folder, 'notes.txt'), 'utf8')).trimEnd().split('\n');
    const { testResults } = JSON.parse(await readFile(join(run.folder, 'results.json'), 'utf8')) as {
      testResults: {
        name: string;
        assertionResults: { fullName: string; status: string; failureMessages: string[] }[];
      }[];
    };
    const testsOf = (file: string) =>
      testResults.find(({ name }) => name.endsWith(`/${file}`))?.assertionResults ?? [];
    return {
      stderr,
      notesWith: (text: string) => notes.filter((note) => note.includes(text)),
      notes,
      statusesOf: (file: string) =>
        Object.fromEntries(testsOf(file).map(({ fullName, status }) => [fullName, status])),
      failuresOf: (file: string, test: string) =>
        testsOf(file).find(({ fullName }) => fullName === test)?.failureMessages ?? [],
    };
  } finally {
    await run.close();
  }
}

describe.each(['30', '29'] as const)('scopes in test files of Jest %s', (jest) => {
  let run: Awaited<ReturnType<typeof runScopes>>;

  beforeAll(async () => {
    run = await runScopes(jest);
  });

  it('close when their test, block or file ends, in reverse order: tests, inner blocks, outer blocks, the file', () => {
    const notes = run.notes.filter(
      (note) => !/attempt|of the|cannot|\b(one|two|three)\b/.test(note) || /end of the file/.test(note),
    );
    expect(notes).toEqual([
      'end of a (done)',
      'end of beforeEach in nesting.test.js/outer/inner/a (done)',
      'end of b, after an await (done)',
      'end of beforeEach in nesting.test.js/outer/inner/b (done)',
      'end of inner (done)',
      'end of c (done)',
      'end of beforeEach in nesting.test.js/outer/c (done)',
      // The scope of a block is open in its own afterAll, and closed in those of the blocks around it.
      'afterAll in nesting.test.js/outer',
      'end of outer (done)',
      'afterAll in nesting.test.js',
      "end of the file's beforeAll (done)",
      'end of the file (done)',
    ]);
  });

  it('are separate for concurrent tests', () => {
    expect(run.statusesOf('concurrent.test.js')).toEqual({
      'at once one': 'passed',
      'at once two': 'passed',
      'at once three': 'passed',
      alone: 'passed',
    });
    for (const name of ['one', 'two', 'three']) {
      expect(run.notesWith(`of ${name}`)).toEqual([`end of second of ${name}`, `end of first of ${name}`]);
    }
  });

  it('are new for each attempt of a test that is retried', () => {
    expect(run.statusesOf('retries.test.js')).toEqual({ 'fails twice': 'passed' });
    expect(run.notesWith('attempt')).toEqual([
      'attempt 1',
      'end of attempt 1 (failed)',
      'attempt 2',
      'end of attempt 2 (failed)',
      'attempt 3',
      'end of attempt 3 (done)',
    ]);
  });

  it('run finalizers and checks as hooks, which may load modules and call castoff', () => {
    expect(run.statusesOf('finalizers.test.js')).toEqual({
      'block loads a module in a finalizer and in a check': 'passed',
      'removes something in a finalizer': 'passed',
    });
    expect(run.notesWith('of the')).toEqual(
      expect.arrayContaining([
        'finalizer of the test has loaded a module',
        'check of the test has loaded a module',
        'finalizer of the block has loaded a module',
        'finalizer of the removal: network was already-gone',
        'finalizer of the file has loaded a module',
      ]),
    );
  });

  it('run the finalizers of a file that cannot be loaded', () => {
    expect(run.stderr).toContain('this file cannot be loaded');
    expect(run.notesWith('cannot be loaded')).toEqual(['finalizer of what cannot be loaded']);
  });

  it('fail their test with every error of their cleanup; the scope of a block fails each test in it that ran', () => {
    expect(run.statusesOf('cleanup.test.js')).toEqual({
      'block is fine, but for its cleanup': 'failed',
      'block is fine': 'failed',
      'block is skipped': 'pending',
      'is outside': 'passed',
    });
    const messages = run
      .failuresOf('cleanup.test.js', 'block is fine, but for its cleanup')
      .map((text) => text.split('\n')[0]);
    expect(messages).toEqual([
      'CastoffError: after cleanup.test.js/block/is fine, but for its cleanup: stop the server (cleanup.test.js:14): it does not answer',
      'CastoffError: after cleanup.test.js/block/is fine, but for its cleanup: remove the files (cleanup.test.js:11): they are locked',
      'CastoffError: after cleanup.test.js/block: stop the server of the block (cleanup.test.js:5): it is not running',
    ]);
    expect(run.failuresOf('cleanup.test.js', 'block is fine')).toHaveLength(1);
  });

  it('make Jest show the line that failed, and each failure once', () => {
    expect(run.stderr).toContain("> 15 |       throw new TypeError('it does not answer');");
    expect(run.stderr.split('(cleanup.test.js:14): it does not answer').length - 1).toBe(1);
    expect(run.stderr).not.toMatch(/at .*castoff\/dist/);
  });

  it('refuse new items after their test has ended, and name the test', () => {
    expect(run.statusesOf('late.test.js')).toEqual({
      'ends too early': 'passed',
      'sees the error of the other test': 'passed',
      'cannot close its scope by hand': 'passed',
    });
  });

  it('work with every way to write a test', () => {
    expect(run.statusesOf('kinds.test.js')).toEqual({
      done: 'passed',
      'done fails': 'failed',
      this: 'passed',
      generator: 'passed',
      '1 + 2': 'passed',
      '2 + 2': 'passed',
      failing: 'passed',
      skipped: 'pending',
      'to do': 'todo',
      members: 'passed',
      source: 'failed',
    });
    expect(run.failuresOf('kinds.test.js', 'done fails')).toHaveLength(1);
    expect(run.failuresOf('kinds.test.js', 'done fails')[0]).toMatch(/^Error: done was told so\n/);
  });

  it('report the line of an item', () => {
    const [failure] = run.failuresOf('kinds.test.js', 'source');
    const [, given, above] =
      /\(kinds\.test\.js:(\d+)\): deferred right below line (\d+)/.exec(failure!) ?? [];
    expect(Number(given) - Number(above)).toBe(2);
  });
});
