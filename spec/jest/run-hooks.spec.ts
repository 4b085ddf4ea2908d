import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { runJest } from '../support/jest-run';
import { runJudged } from '../support/judged-jest';

describe("the user's global setup and teardown", () => {
  it('start containers that belong to the run: tests use them, they are not leaks, and the end of the run removes them', async () => {
    const end = await runJudged('hooks', { args: ['--maxWorkers', '2'] });
    expect(end.printed).toEqual(['castoff: 2 containers, all gone']);
    expect(end.stdout).toContain('global teardown');
    expect(end).toMatchObject({ exitCode: 0, left: [], verdict: { isFailure: false } });
  });

  it('close the run if the setup throws, show its error, and report that its containers are gone', async () => {
    const end = await runJest('hooks', { env: { SETUP_THROWS: 'yes' } });
    expect(end.stderr).toContain('reason: the setup has had enough');
    expect(end.stderr).toMatch(/^castoff: 2 containers, all gone$/m);
    expect(end.stdout).not.toContain('global teardown');
    expect(end).toMatchObject({ exitCode: 1, left: [] });
  });

  it('close and judge the run if the teardown throws, and show its error', async () => {
    const end = await runJudged('hooks', { env: { TEARDOWN_THROWS: 'yes' } });
    expect(end.stderr).toContain('reason: the teardown has had enough');
    expect(end.printed).toEqual(['castoff: 2 containers, all gone']);
    expect(end).toMatchObject({ exitCode: 1, left: [] });
  });
});

describe("a leak in Jest's results", () => {
  it('fails the run with LEAKS_FOUND and no stack, and is an annotation on GitHub', async () => {
    const env = { GITHUB_ACTIONS: 'true', GITHUB_WORKSPACE: tmpdir() };
    const end = await runJest('both-ways', { args: ['forgets', '--reporters', 'default'], env });
    expect(end.stderr).toMatch(/^LEAKS_FOUND: castoff: the run leaked resources, see above$/m);
    expect(end.stderr).not.toMatch(/^ +at /m);
    expect(end.stderr).toMatch(/^::error .*file=castoff-project-\w+\/forgets\.test\.js,line=5/m);
    expect(end).toMatchObject({ exitCode: 1, left: [] });
  });

  it('fails a run with --json, which still writes its results', async () => {
    let results: unknown;
    const args = ['forgets', '--json', '--outputFile', 'results.json'];
    const end = await runJudged('both-ways', { args }, async ({ folder }) => {
      results = JSON.parse(await readFile(join(folder, 'results.json'), 'utf8'));
    });
    expect(results).toMatchObject({ success: true, numPassedTests: 1 });
    expect(end).toMatchObject({ exitCode: 1, left: [], verdict: { isFailure: true } });
  });
});
