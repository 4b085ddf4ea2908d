import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { runJest, startJest, type JestEnd, type JestRun } from '../support/jest-run';

const passes = { exitCode: 0, left: [] };

describe('withCastoff around a config with every option', () => {
  let end: JestEnd;
  beforeAll(async () => {
    end = await runJest('composed');
  });

  it('keeps the preset, the environment and its options, the global setup and the setup files', () => {
    expect(end).toMatchObject(passes);
  });

  it("runs the user's global setup and teardown, in TypeScript, with Jest's own arguments", () => {
    expect(end.stdout).toMatch(/global setup: true string undefined/);
    expect(end.stdout).toMatch(/global teardown: string/);
  });

  it("keeps the user's reporters", () => {
    expect(end.stdout).toMatch(/reporter: 1 passed/);
  });

  it('prints nothing if no container was used', () => {
    expect(end.stderr).not.toMatch(/castoff/i);
  });

  it('prints in a CI log that it watched the run', async () => {
    const { stderr } = await runJest('plain', { args: ['empty'], env: { CI: 'true' } });
    expect(stderr.split('\n')).toContain('castoff: watched this run; it created nothing');
  });
});

describe('withCastoff around a function, in a project of ES modules', () => {
  it('runs a global setup with a top-level await, and gives tests their scope', async () => {
    const end = await runJest('esm', { nodeArgs: ['--experimental-vm-modules'] });
    expect(end.stdout).toMatch(/global setup: an ES module that awaits/);
    expect(end.stderr).toMatch(/Tests: +1 passed, 1 total/);
    expect(end).toMatchObject(passes);
  });
});

describe('withCastoff around several projects', () => {
  let run: JestRun;
  let end: JestEnd;
  beforeAll(async () => {
    run = await startJest('projects');
    end = await run.ended;
  });
  afterAll(() => run?.close());

  it('applies to every project, given as an object or a path, each with its own environment', () => {
    expect(end).toMatchObject({ exitCode: 0 });
    expect(end.stderr).toMatch(/Tests: +3 passed, 3 total/);
  });

  it("runs the root's global setup and teardown once, and those of a project", () => {
    expect(end.stdout.match(/global \w+/g)?.toSorted()).toEqual([
      'global setup',
      'global setup',
      'global teardown',
    ]);
  });

  it("uses the root's options", async () => {
    expect(JSON.parse(await readFile(join(run.folder, 'report.json'), 'utf8'))).toMatchObject({
      leakMode: 'warn',
    });
  });
});
