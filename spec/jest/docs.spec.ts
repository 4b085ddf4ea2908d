import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { databaseClients, runJudged } from '../support/judged-jest';

const usage = 'usage.test.ts';
const usageText = readFileSync(join(__dirname, '../fixtures/jest/docs-examples', usage), 'utf8');

// The quickstart and the pages of both modules of node.testcontainers.org, with our images. `redis` and `pg`
// are small clients of the same names, because the npm packages are not installed here.
describe("the examples of Testcontainers' documentation", () => {
  it('pass under the preset, with only the summary printed, and nothing left', async () => {
    const end = await runJudged('docs-examples', { files: databaseClients() });
    expect(end.stderr).toContain('Tests:       5 passed, 5 total');
    expect(end).toMatchObject({ exitCode: 0, left: [], printed: ['castoff: 4 containers, all gone'] });
    expect(end.verdict).toMatchObject({ isFailure: false, leaks: [], orphans: [], left: [], failures: [] });
  });

  it('fail the run without their stop(), with the line that started the container, and nothing left', async () => {
    const leaky = usageText.replace('    await container.stop();\n', '');
    const line = leaky.split('\n').findIndex((text) => text.includes('new GenericContainer')) + 1;
    const end = await runJudged('docs-examples', {
      args: [usage],
      files: { ...databaseClients(), [usage]: leaky },
    });
    expect(end.stderr).toContain('Tests:       1 passed, 1 total');
    expect(end).toMatchObject({ exitCode: 1, left: [] });
    expect(end.stderr).toContain('LEAKS_FOUND');
    expect(end.verdict).toMatchObject({ isFailure: true, left: [], failures: [] });
    expect(end.verdict.leaks).toMatchObject([
      { kind: 'container', image: 'castoff-spec/redis:1', source: `${usage}:${line}`, state: 'gone' },
    ]);
  });
});
