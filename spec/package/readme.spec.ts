import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { runJest } from '../support/jest-run';
import { asTestFile, exampleConfig, readmeExample } from '../support/readme-example';
import { createRunningContainer, docker, exists } from '../support/things';

const run = promisify(execFile);

describe("the README's examples", () => {
  let folder: string;
  let hasMadeNginx = false;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'castoff-readme-'));
    await writeFile(join(folder, 'jest.config.json'), exampleConfig());
    hasMadeNginx = await makeNginxWhereThereIsNone();
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
    if (hasMadeNginx) await docker.getImage('nginx:latest').remove();
  });

  it('in-a-test passes as it stands, and leaves nothing', async () => {
    expect(await runExample('in-a-test')).toContain('✓ the web server answers');
    expect(await docker.listContainers({ all: true, filters: { ancestor: ['nginx'] } })).toEqual([]);
  });

  it('removal-alone removes the container', async () => {
    const id = await createRunningContainer({ name: 'my-container' });
    expect(await runExample('removal-alone')).toContain('✓ the example');
    expect(await exists('container', id)).toBe(false);
  });

  it('beside-containers passes as it stands, and leaves no server', async () => {
    expect(await runExample('beside-containers')).toContain('✓ the example');
    await expect(fetch('http://127.0.0.1:4731')).rejects.toThrow('fetch failed');
  });

  it('a-run passes as it stands, with a reaper, and leaves nothing', async () => {
    const output = await runExample('a-run');
    expect(output).toContain('✓ the example');
    expect(output).toMatch(
      /goes also after a SIGKILL: its lease is held by (the host process at|container) /,
    );
    expect(await docker.listContainers({ all: true, filters: { ancestor: ['nginx'] } })).toEqual([]);
  });

  it('jest-config and jest-test pass as they stand, and say in one line that all is gone', async () => {
    const end = await runJestExample('jest-config', 'jest-test');
    expect(end.stderr).toMatch(/^castoff: 1 container, all gone$/m);
    expect(end).toMatchObject({ exitCode: 0, left: [] });
  });

  it('jest-with-castoff and jest-shared pass as they stand, with a global setup', async () => {
    const end = await runJestExample('jest-with-castoff', 'jest-shared');
    expect(end.stdout).toContain('the global setup has run');
    expect(end.stderr).toMatch(/^castoff: 1 container, all gone$/m);
    expect(end).toMatchObject({ exitCode: 0, left: [] });
  });

  function runJestExample(config: string, test: string) {
    const files = {
      'jest.config.js': readmeExample(config),
      'example.test.js': readmeExample(test),
      'global-setup.js': `module.exports = () => process.stdout.write('the global setup has run');`,
    };
    return runJest('plain', { files, args: ['example'] });
  }

  async function runExample(name: string): Promise<string> {
    await writeFile(join(folder, `${name}.test.ts`), asTestFile(readmeExample(name)));
    const config = join(folder, 'jest.config.json');
    const args = [require.resolve('jest/bin/jest'), '--config', config, '--verbose', `${name}.test.ts`];
    const env = {
      ...process.env,
      TESTCONTAINERS_RYUK_DISABLED: 'true',
      TESTCONTAINERS_HOST_OVERRIDE: 'localhost',
    };
    const { stdout, stderr } = await run(process.execPath, args, { env });
    return stdout + stderr;
  }
});

/** A web server under the name that the example has, where nobody has the real one: there is no hub here. */
async function makeNginxWhereThereIsNone(): Promise<boolean> {
  if (await exists('image', 'nginx:latest')) return false;
  const container = await docker.createContainer({
    Image: 'castoff-spec/busybox:1',
    Labels: { 'castoff-spec': 'nginx' },
  });
  const changes = 'CMD ["sh", "-c", "echo hello >/index.html; httpd -f -p 80 -h /"]\nEXPOSE 80';
  await container.commit({ repo: 'nginx', tag: 'latest', changes });
  await container.remove();
  return true;
}
