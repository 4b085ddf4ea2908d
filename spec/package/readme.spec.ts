import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { asTestFile, docsBlock, exampleConfig, markedBlocks, readPage } from '../support/docs';
import { runJest } from '../support/jest-run';
import { specImage } from '../support/spec-image';
import { docker, exists, specLabel } from '../support/things';
import { runVitest } from '../support/vitest-run';
import { withoutWaiting } from '../support/without-waiting';

const run = promisify(execFile);

const examples = [...markedBlocks('run').values()];
const namesIn = (wanted: string): readonly string[] =>
  examples.flatMap(({ language, mark }) =>
    language === wanted && mark && !isOfVitest(mark.name) ? [mark.name] : [],
  );
const isOfVitest = (name: string): boolean => name.startsWith('vitest-');

/** One run of Jest over files of a folder: what it prints, and by file how its tests ended. */
interface ExamplesRun {
  readonly output: string;
  readonly ends: Readonly<Record<string, readonly string[]>>;
}

let hasMadeNginx = false;
beforeAll(async () => {
  hasMadeNginx = await makeNginxWhereThereIsNone();
});
afterAll(async () => {
  if (hasMadeNginx) await docker.getImage('nginx:latest').remove();
});

describe('the TypeScript examples of README and docs', () => {
  let folder: string;
  let removed: string;
  let ran: ExamplesRun;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'castoff-docs-'));
    await writeFile(join(folder, 'jest.config.json'), exampleConfig());
    removed = await createNamed('my-container');
    ran = await runExamples(folder);
  }, 120_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each(namesIn('ts'))('%s passes as it stands', (name) => {
    expect(ran.ends[name]).toEqual([expect.stringMatching(/: passed$/)]);
  });

  it('leave nothing', async () => {
    expect(await docker.listContainers({ all: true, filters: { ancestor: ['nginx'] } })).toEqual([]);
    await expect(fetch('http://127.0.0.1:4731')).rejects.toThrow('fetch failed');
  });

  it('nested-limits prints the line in docs/deadlines.md', () => {
    const [, printed = ''] = /It prints `([^`]+)`/.exec(readPage('docs/deadlines.md')) ?? [];
    expect(printed).not.toBe('');
    expect(ran.output).toContain(printed);
  });

  it('removal-alone removes the container', async () => {
    expect(await exists('container', removed)).toBe(false);
  });

  it('a-run has a reaper, own-clients ends its pool, and protocol-client gets its responses', () => {
    expect(ran.output).toMatch(
      /is removed even after a SIGKILL: (the host process at|container) \S+.* holds its lease/,
    );
    expect(ran.output).toContain('the pool has ended');
    expect(ran.output).toContain('{ id: 2, ok: true }');
  });
});

describe('the JavaScript examples of README and docs', () => {
  it('jest-config, jest-test and jest-clients pass as they stand, and print in one line that all is gone', async () => {
    const end = await runJest('plain', {
      files: {
        'jest.config.js': docsBlock('jest-config'),
        'example.test.js': docsBlock('jest-test'),
        'example-clients.test.js': docsBlock('jest-clients'),
      },
      args: ['example'],
    });
    expect(end.stderr).toContain('Tests:       2 passed, 2 total');
    expect(end.stderr).toMatch(/^castoff: 2 containers, all gone$/m);
    expect(end).toMatchObject({ exitCode: 0, left: [] });
  });

  it('jest-with-castoff, jest-shared and jest-global-setup pass as they stand, and the run removes the container of the global setup', async () => {
    const end = await runJest('plain', {
      files: {
        'jest.config.js': docsBlock('jest-with-castoff'),
        'example.test.js': docsBlock('jest-shared'),
        'global-setup.js': docsBlock('jest-global-setup'),
      },
      args: ['example'],
    });
    expect(end.stderr).toMatch(/^castoff: 2 containers, all gone$/m);
    expect(end).toMatchObject({ exitCode: 0, left: [] });
  });

  it('are run here, all of them', () => {
    const names = [
      'jest-config',
      'jest-test',
      'jest-clients',
      'jest-with-castoff',
      'jest-shared',
      'jest-global-setup',
    ];
    expect(namesIn('js').toSorted()).toEqual(names.toSorted());
  });
});

describe('the examples for Vitest in README and docs', () => {
  it('pass as they stand, and the run removes the container of the global setup', async () => {
    const end = await runVitest('plain', {
      files: {
        'vitest.config.ts': docsBlock('vitest-options'),
        'global-setup.ts': docsBlock('vitest-global-setup'),
        'example.test.ts': docsBlock('vitest-test'),
        'shared.test.ts': docsBlock('vitest-shared'),
      },
    });
    expect(end.stdout).toMatch(/Tests +2 passed \(2\)/);
    expect(end.stderr).toMatch(/^castoff: 3 containers, all gone$/m);
    expect(end).toMatchObject({ exitCode: 0, left: [] });
  });

  it('include a config that is all a project needs', async () => {
    const end = await runVitest('plain', {
      files: { 'vitest.config.ts': docsBlock('vitest-config'), 'shared.test.ts': docsBlock('vitest-shared') },
    });
    expect(end.stderr).toMatch(/^castoff: 1 container, all gone$/m);
    expect(end).toMatchObject({ exitCode: 0, left: [] });
  });

  it('are run here, all of them', () => {
    const names = examples.flatMap(({ mark }) => (mark && isOfVitest(mark.name) ? [mark.name] : []));
    expect(names.toSorted()).toEqual([
      'vitest-config',
      'vitest-global-setup',
      'vitest-options',
      'vitest-shared',
      'vitest-test',
    ]);
  });
});

describe("the README's table of leaks", () => {
  const forgets = `const { GenericContainer, Network } = require('testcontainers');

test('stores an order', async () => {
  const network = await new Network().start();
  const shop = await new GenericContainer('nginx').withNetwork(network).start();
  expect(shop.getNetworkNames()).toEqual([network.getName()]);
});

test('cancels an order', async () => {
  const shop = await new GenericContainer('nginx').start();
  await shop.stop();
});
`;

  it('is what castoff prints for a test that forgets a container and its network', async () => {
    const files = { 'jest.config.js': docsBlock('jest-config'), 'orders.test.js': forgets };
    const end = await runJest('plain', { files, args: ['orders'] });
    expect(end).toMatchObject({ exitCode: 1, left: [] });
    const [printed = ''] = /^castoff: [\s\S]*/m.exec(withoutWaiting(end.stderr)) ?? [];
    expect(withoutChance(printed)).toBe(withoutChance(docsBlock('leak-table', 'output')));
  });
});

/** The text without what differs from run to run: ids, durations, and the widths of columns. */
function withoutChance(text: string): string {
  return text
    .replaceAll(/\b[0-9a-f]{12}\b/g, '<id>')
    .replaceAll(/\b[\d.]+ m?s\b/g, '<time>')
    .replaceAll(/ {2,}/g, '  ')
    .replaceAll(/ +$/gm, '')
    .trim();
}

async function runExamples(folder: string): Promise<ExamplesRun> {
  for (const name of namesIn('ts'))
    await writeFile(join(folder, `${name}.test.ts`), asTestFile(docsBlock(name)));
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

/** Creates a web server under the name `nginx` if the engine has no such image: specs pull nothing from a hub. */
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
