import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { startJest, type JestEnd } from '../support/jest-run';

describe('what test files share', () => {
  let end: JestEnd;
  let notes: readonly string[];
  let left: readonly string[];

  beforeAll(async () => {
    const run = await startJest('shared', {
      args: ['--maxWorkers', '2'],
      // Where the files wait for each other.
      files: { 'notes.txt': '' },
    });
    try {
      end = await run.ended;
      left = await run.things();
      notes = (await readFile(join(run.folder, 'notes.txt'), 'utf8')).trimEnd().split('\n');
    } finally {
      await run.close();
    }
  });

  const notesWith = (words: string) => notes.filter((note) => note.startsWith(words));

  it('is made once, by whoever comes first, and strictly equal to what was returned in all', () => {
    expect(end.stderr).toContain('Tests:       15 passed, 15 total');
    expect(end.exitCode).toBe(0);
    expect(notesWith('make server')).toHaveLength(1);
    const ids = notesWith('got ').map((note) => note.split(' ')[1]);
    expect(ids).toHaveLength(2);
    expect(new Set(ids).size).toBe(1);
  });

  it('is made once in each worker where it is asked for so', () => {
    expect(notesWith('make cache').toSorted()).toEqual(['make cache in one', 'make cache in two']);
    const ids = notesWith('cache ').map((note) => note.split(' ')[1]);
    expect(new Set(ids).size).toBe(2);
  });

  it('throws the error of its factory in all who wait, with its stack, and is tried again by the next to ask', () => {
    expect(notesWith('make flaky')).toHaveLength(1);
    expect(notesWith('thrown ').toSorted()).toEqual([
      'thrown RangeError: no room for it from true in one',
      'thrown RangeError: no room for it from true in two',
    ]);
  });

  it('is refused where it cannot be shared, each with its reason', () => {
    expect(end.stderr).toContain('PASS ./refusals.test.js');
  });

  it('is gone when the run is over, without a word', () => {
    expect(left).toEqual([]);
    expect(end.stderr).toMatch(/castoff: 4 containers, all gone\n/);
  });
});
