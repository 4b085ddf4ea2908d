import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { startJest, type JestEnd } from '../support/jest-run';

describe('a shared resource', () => {
  let end: JestEnd;
  let notes: readonly string[];
  let left: readonly string[];

  beforeAll(async () => {
    const run = await startJest('shared', {
      args: ['--maxWorkers', '2'],
      // The files wait for each other's notes.
      files: { 'notes.txt': '' },
    });
    try {
      end = await run.ended;
      left = await run.resources();
      notes = (await readFile(join(run.folder, 'notes.txt'), 'utf8')).trimEnd().split('\n');
    } finally {
      await run.close();
    }
  });

  const notesWith = (text: string) => notes.filter((note) => note.startsWith(text));

  it('is created once, by the first caller, and every caller gets an equal value', () => {
    expect(end.stderr).toContain('Tests:       15 passed, 15 total');
    expect(end.exitCode).toBe(0);
    expect(notesWith('make server')).toHaveLength(1);
    const ids = notesWith('got ').map((note) => note.split(' ')[1]);
    expect(ids).toHaveLength(2);
    expect(new Set(ids).size).toBe(1);
  });

  it('is created once per worker with sharedPerWorker', () => {
    expect(notesWith('make cache').toSorted()).toEqual(['make cache in one', 'make cache in two']);
    const ids = notesWith('cache ').map((note) => note.split(' ')[1]);
    expect(new Set(ids).size).toBe(2);
  });

  it('rejects all waiting callers with the error of its factory, and the next caller tries again', () => {
    expect(notesWith('make flaky')).toHaveLength(1);
    expect(notesWith('thrown ').toSorted()).toEqual([
      'thrown RangeError: no room for it from true in one',
      'thrown RangeError: no room for it from true in two',
    ]);
  });

  it('is refused with a reason if it cannot be shared', () => {
    expect(end.stderr).toContain('PASS ./refusals.test.js');
  });

  it('is removed at the end of the run, without a report', () => {
    expect(left).toEqual([]);
    expect(end.stderr).toMatch(/castoff: 4 containers, all gone\n/);
  });
});
