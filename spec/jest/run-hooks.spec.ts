import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { composeCommand } from '../support/compose-command';
import { partsOfProject } from '../support/compose-stack';
import { runJest, startJest } from '../support/jest-run';
import { runJudged } from '../support/judged-jest';
import { specImage } from '../support/spec-image';

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

  it('leave no Compose project if the setup throws as soon as its commands have brought them up', async () => {
    const service = { image: specImage, network_mode: 'none', volumes: ['data:/data'] };
    const stack = { version: '3.5', services: { app: service }, volumes: { data: {} } };
    const command = (await composeCommand()).join(' ');
    const setup = `
      const { exec, execSync } = require('node:child_process');
      const { promisify } = require('node:util');
      const options = { cwd: __dirname + '/' + process.env.CASTOFF_SPEC_RUN, stdio: 'pipe' };
      module.exports = async () => {
        require('node:fs').mkdirSync(options.cwd);
        require('node:fs').writeFileSync(options.cwd + '/docker-compose.yml', ${JSON.stringify(JSON.stringify(stack))});
        const name = process.env.CASTOFF_SPEC_RUN;
        await promisify(exec)(\`${command} -p \${name}-async up --no-start\`, options);
        execSync(\`${command} -p \${name}-named up --no-start\`, options);
        execSync('${command} up --no-start', options);
        throw new Error('the migrations failed');
      };`;
    const run = await startJest('hooks', { files: { 'global-setup.js': setup } });
    try {
      const { stderr } = await run.ended;
      expect(stderr).toContain('reason: the migrations failed');
      expect(stderr).toMatch(/^castoff: 3 Compose projects, all gone$/m);
      const projects = [run.id, `${run.id}-async`, `${run.id}-named`];
      const parts = await Promise.all(projects.map((project) => partsOfProject(project)));
      expect([await run.resources(), parts.flat()]).toEqual([[], []]);
    } finally {
      await run.close();
    }
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
