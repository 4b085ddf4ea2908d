import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import pLimit from 'p-limit';
import { runJudged } from '../support/judged-jest';
import { isLong } from '../support/spec-size';

const fixture = readFileSync(join(__dirname, '../fixtures/jest/forty/ten-tests.js'), 'utf8');
const plantedAt = `ten-tests.js:${fixture.split('\n').findIndex((line) => line.includes('LEAK ===')) + 1}`;

describe('tests that use containers in ten ways', () => {
  const files = isLong ? ['file-1', 'file-2', 'file-3', 'file-4'] : ['file-1', 'file-3'];
  const tests = files.length * 10;
  it(`report the one leak of ${tests} tests with its test and line, and nothing else`, async () => {
    const end = await runJudged('forty', { args: ['--maxWorkers', '2', ...files], env: { LEAK: 'file-3' } });
    expect(end.stderr).toContain(`${tests} passed, ${tests} total`);
    expect(end.verdict.leaks).toMatchObject([
      { kind: 'container', test: 'file-3 creates what the next test needs too', source: plantedAt },
    ]);
    expect(end).toMatchObject({ exitCode: 1, left: [] });
  });

  const cleanRuns = isLong ? 20 : 1;
  it(`raise no false alarm in ${cleanRuns} runs without a leak`, async () => {
    const runTen = pLimit(4);
    const runs = Array.from({ length: cleanRuns }, () =>
      runTen(() => runJudged('forty', { args: ['file-1'] })),
    );
    for (const { exitCode, left, printed } of await Promise.all(runs))
      expect({ exitCode, left, printed }).toEqual({
        exitCode: 0,
        left: [],
        printed: ['castoff: 11 containers, all gone'],
      });
  }, 240_000);
});
