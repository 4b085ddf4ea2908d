import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { JestVersion } from '../support/jest-project';
import { runJudged, type JudgedJest } from '../support/judged-jest';
import { isLong } from '../support/spec-size';

interface FileResult {
  readonly name: string;
  readonly message: string;
  readonly assertionResults: readonly {
    readonly title: string;
    readonly status: string;
    readonly failureMessages: readonly string[];
  }[];
}

async function runConnected(
  jest: JestVersion,
): Promise<JudgedJest & { readonly files: readonly FileResult[] }> {
  let files: readonly FileResult[] = [];
  const args = ['--runInBand', '--json', '--outputFile=results.json'];
  const end = await runJudged('connected', { jest, args }, async (run) => {
    ({ testResults: files } = JSON.parse(readFileSync(join(run.folder, 'results.json'), 'utf8')));
  });
  return { ...end, files };
}

const versions = ['30', '29'] as const;

describe.each(isLong ? versions : versions.slice(0, 1))(
  'a client that is still connected when its server is removed, in Jest %s',
  (jest) => {
    let end: Awaited<ReturnType<typeof runConnected>>;
    const file = (name: string) => end.files.find((each) => each.name.endsWith(`/${name}.test.js`));

    beforeAll(async () => {
      end = await runConnected(jest);
    });

    it('fails the test that forgot it, and no other test', () => {
      expect(file('in-test')?.assertionResults).toMatchObject([
        {
          title: 'forgets its client',
          status: 'failed',
          failureMessages: [expect.stringContaining('Connection terminated unexpectedly')],
        },
        { title: 'comes next', status: 'passed' },
      ]);
    });

    it.each(['in-file', 'in-file-unreferenced'])('fails the file that owns it: %s', (name) => {
      expect(file(name)?.message).toContain('Connection terminated unexpectedly');
    });

    it('does not crash the process at the end of the run', () => {
      expect(file('shared')?.assertionResults).toMatchObject([{ status: 'passed' }]);
      expect(end.verdict.leaks).toHaveLength(2);
    });

    it('does not crash the process if its server leaked', () => {
      for (const name of ['leak', 'leak-unreferenced', 'other'])
        expect(file(name)?.assertionResults).toMatchObject([{ status: 'passed' }]);
      expect(new Set(end.verdict.leaks.map(({ test }) => test))).toEqual(
        new Set([
          'forgets its client and its server',
          'forgets its server, and a client that lets the process exit',
        ]),
      );
      expect(end.verdict.left).toEqual([]);
      expect(end.left).toEqual([]);
    });
  },
);
