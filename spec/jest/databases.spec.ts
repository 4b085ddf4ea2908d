import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { databaseClients, runJudged } from '../support/judged-jest';

interface Seen {
  readonly worker: string;
  readonly connectionString: string;
  readonly url: string;
}

const testFiles = Array.from({ length: 6 }, (_, index) => [
  `file-${index}.test.js`,
  `const { writeAndRead } = require('./write-and-read');
   test('writes and reads', () => writeAndRead('file_${index}'));`,
]);

describe('shared servers', () => {
  it('are started once for six files in two workers, serve all of them, and are removed at the end', async () => {
    let seen: readonly Seen[] = [];
    const end = await runJudged(
      'shared-databases',
      { args: ['--maxWorkers=2'], files: { ...databaseClients(), ...Object.fromEntries(testFiles) } },
      async ({ folder }) => {
        const text = await readFile(join(folder, 'seen.jsonl'), 'utf8');
        seen = text
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as Seen);
      },
    );
    expect(end.stderr).toContain('Tests:       6 passed, 6 total');
    expect(end).toMatchObject({ exitCode: 0, left: [], printed: ['castoff: 2 containers, all gone'] });
    expect(end.verdict).toMatchObject({ counts: { container: 2 }, leaks: [], failures: [] });
    expect(seen).toHaveLength(6);
    expect(new Set(seen.map(({ worker }) => worker))).toEqual(new Set(['1', '2']));
    expect(new Set(seen.map(({ connectionString, url }) => `${connectionString} ${url}`)).size).toBe(1);
  });
});
