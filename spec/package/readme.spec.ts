import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { runJest } from '../support/jest-run';
import { asTestFile, exampleConfig, readmeExample } from '../support/readme-example';
import { specImage } from '../support/spec-image';
import { docker, exists, specLabel } from '../support/things';

const run = promisify(execFile);

const examples = ['in-a-test', 'removal-alone', 'beside-containers', 'a-run'];

/** One run of Jest over files of a folder: what it prints, and by file how its tests ended. */
interface ExamplesRun {
  readonly output: string;
  readonly ends: Readonly<Record<string, readonly string[]>>;
}

describe("the README's examples", () => {
  let folder: string;
  let hasMadeNginx = false;
  let removed: string;
  let ran: ExamplesRun;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'castoff-readme-'));
    await writeFile(join(folder, 'jest.config.json'), exampleConfig());
    hasMadeNginx = await makeNginxWhereThereIsNone();
    removed = await createNamed('my-container');
    ran = await runExamples();
  }, 120_000);
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
    if (hasMadeNginx) await docker.getImage('nginx:latest').remove();
  });

  it('in-a-test passes as it stands, and leaves nothing', async () => {
    expect(ran.ends['in-a-test']).toEqual(['the web server answers: passed']);
    expect(await docker.listContainers({ all: true, filters: { ancestor: ['nginx'] } })).toEqual([]);
  });

  it('removal-alone removes the container', async () => {
    expect(ran.ends['removal-alone']).toEqual(['the example: passed']);
    expect(await exists('container', removed)).toBe(false);
  });

  it('beside-containers passes as it stands, and leaves no server', async () => {
    expect(ran.ends['beside-containers']).toEqual(['the example: passed']);
    await expect(fetch('http://127.0.0.1:4731')).rejects.toThrow('fetch failed');
  });

  it('a-run passes as it stands, with a reaper, and leaves nothing', async () => {
    expect(ran.ends['a-run']).toEqual(['the example: passed']);
    expect(ran.output).toMatch(
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

  async function runExamples(): Promise<ExamplesRun> {
    for (const name of examples)
      await writeFile(join(folder, `${name}.test.ts`), asTestFile(readmeExample(name)));
    const jest = [require.resolve('jest/bin/jest'), '--config', join(folder, 'jest.config.json')];
    const report = join(folder, 'report.json');
    const args = [...jest, '--runInBand', '--testTimeout', '60000', '--json', '--outputFile', report];
    const env = {
      ...process.env,
      TESTCONTAINERS_RYUK_DISABLED: 'true',
      TESTCONTAINERS_HOST_OVERRIDE: 'localhost',
    };
    const { stdout, stderr } = await run(process.execPath, args, { env });
    const { testResults }: JestReport = JSON.parse(await readFile(report, 'utf8'));
    const ends = testResults.map(({ name, assertionResults }) => [
      basename(name, '.test.ts'),
      assertionResults.map(({ title, status }) => `${title}: ${status}`),
    ]);
    return { output: stdout + stderr, ends: Object.fromEntries(ends) };
  }
});

/** A file of Jest's `--json`, as far as it is read here. */
interface JestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly { readonly title: string; readonly status: string }[];
  }[];
}

async function createNamed(name: string): Promise<string> {
  const { id } = await docker.createContainer({ name, Image: specImage, Labels: specLabel });
  return id;
}

/** A web server under the name that the example has, where nobody has the real one: there is no hub here. */
async function makeNginxWhereThereIsNone(): Promise<boolean> {
  if (await exists('image', 'nginx:latest')) return false;
  const container = await docker.createContainer({
    Image: specImage,
    Labels: { 'castoff-spec': 'nginx' },
  });
  const changes = 'CMD ["sh", "-c", "echo hello >/index.html; httpd -f -p 80 -h /"]\nEXPOSE 80';
  await container.commit({ repo: 'nginx', tag: 'latest', changes });
  await container.remove();
  return true;
}
