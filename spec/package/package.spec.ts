import { copyFile, readdir, readFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { exports as packageExports } from '../../package.json';
import { manual } from '../support/docs';
import { removeLeftovers } from '../support/leftovers';
import { createLabelled } from '../support/owned-things';
import { rejectionOf } from '../support/rejection';
import { isLong } from '../support/spec-size';
import { docker, exists } from '../support/things';
import { openConsumers, type Consumers } from './consumer';

const modules = join(__dirname, '../../node_modules');
const pinnedNode = join(modules, 'node/bin/node');

let consumers: Consumers;
const installed = (): string => join(consumers.alone.folder, 'node_modules/castoff/dist');
beforeAll(async () => {
  consumers = await openConsumers();
}, 180_000);
afterAll(() => consumers?.close());
afterAll(() => removeLeftovers());

describe('the tarball', () => {
  it('holds the build, its types and the texts that go with them, and nothing else', () => {
    const licences = ['-cli', '-reaper', ''].map((of) => `dist/THIRD-PARTY-LICENSES${of}.txt`);
    const deployments = ['compose', 'kubernetes', 'stack'].map((name) => `docker/${name}.yml`);
    const texts = [
      'CHANGELOG.md',
      'LICENSE',
      ...deployments,
      ...licences,
      ...manual,
      'package.json',
    ].toSorted();
    // bind-then-run is there for the processors that the build had a compiler for.
    const isBuilt = (file: string): boolean =>
      /^dist\/(.*\.(js|d\.ts)|bind-then-run-(amd64|arm64))$/.test(file);
    expect(consumers.files.filter((file) => !isBuilt(file)).toSorted()).toEqual(texts);
  });

  it.each([
    ['THIRD-PARTY-LICENSES.txt', 'dockerode'],
    ['THIRD-PARTY-LICENSES.txt', 'docker-modem'],
    ['THIRD-PARTY-LICENSES.txt', 'p-retry'],
    ['THIRD-PARTY-LICENSES.txt', 'p-limit'],
    ['THIRD-PARTY-LICENSES-cli.txt', 'commander'],
    ['THIRD-PARTY-LICENSES-cli.txt', 'dockerode'],
    ['THIRD-PARTY-LICENSES-reaper.txt', 'dockerode'],
    ['THIRD-PARTY-LICENSES-reaper.txt', 'p-retry'],
    ['THIRD-PARTY-LICENSES-reaper.txt', 'pino'],
  ])('carries in %s the licence of %s, which is inlined', async (file, name) => {
    const licences = await readFile(join(installed(), file), 'utf8');
    expect(licences).toMatch(new RegExp(`^${name} \\d.*\n\n.*(MIT License|Apache License)`, 'm'));
  });

  it('has the reaper in one file that needs nothing but Node', async () => {
    const program = await readFile(join(installed(), 'reaper-server.js'), 'utf8');
    const required = [...program.matchAll(/(?<![.\w])(?:require|import)\(["'`]([^"'`]+)["'`]\)/g)].map(
      ([, id]) => id,
    );
    expect(required).toContain('node:net');
    expect(required.filter((id) => !isBuiltin(id ?? ''))).toEqual([]);
  });

  it('declares nothing in terms of packages whose types users may not have', async () => {
    const files = await readdir(installed(), { recursive: true });
    const declarations = files.filter((file) => file.endsWith('.d.ts'));
    const imports: string[] = [];
    for (const file of declarations) {
      const text = await readFile(join(installed(), file), 'utf8');
      for (const [, name = ''] of text.matchAll(/(?:from |import\()['"]([^'"]+)/g)) imports.push(name);
    }
    expect(imports).toContain('./core/errors');
    expect(imports.filter((name) => !/^(\.|node:)/.test(name))).toEqual([]);
  });
});

const newest: [string, () => string] = [
  'the newest Node',
  () => join(consumers.alone.folder, 'node_modules/newest-node/bin/node'),
];

describe.each([
  ['the oldest Node of its range', () => join(consumers.alone.folder, 'node_modules/oldest-node/bin/node')],
  ['the pinned Node', () => pinnedNode],
  ...(isLong ? [newest] : []),
])('on %s', (_, node) => {
  it('loads by require, opens nothing, and leaves dockerode for later', async () => {
    const required = JSON.parse(await consumers.alone.run(node(), ['require.cjs']));
    expect(required.names).toContain('openScope');
    expect(required.packages).toEqual(['castoff']);
    expect(required.hasDockerode).toBe(false);
    expect(required.resources).toEqual([]);
  });

  it('speaks to the engine without loading any package but its own', async () => {
    const id = await createLabelled(docker, {});
    const used = JSON.parse(await consumers.alone.run(node(), ['remove.cjs', id]));
    expect(used).toEqual({ outcome: 'removed', packages: ['castoff'], hasDockerode: true });
    expect(await exists('container', id)).toBe(false);
  });

  it('loads by import, with the same names', async () => {
    const required = JSON.parse(await consumers.alone.run(node(), ['require.cjs']));
    const { names, reason } = JSON.parse(await consumers.alone.run(node(), ['import.mjs']));
    expect(names).toEqual(expect.arrayContaining(required.names));
    expect(reason).toBe('done');
  });

  it("runs the reaper, which ends with its owner's input", async () => {
    const { status, stderr } = JSON.parse(await consumers.alone.run(node(), ['reaper-server.cjs']));
    expect(stderr).toMatch(/msg=removed containers=0 networks=0 volumes=0 images=0\n$/);
    expect(status).toBe(0);
  });
});

describe('on a Node before its range', () => {
  it('every entry of castoff fails with one message that names both versions', async () => {
    const entries = Object.keys(packageExports)
      .filter((name) => !name.endsWith('.json'))
      .map((name) => `castoff${name.slice(1)}`);
    const program = `
      Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.11.1' } });
      const load = (name) => {
        try {
          require(name);
        } catch (error) {
          return String(error);
        }
      };
      console.log(JSON.stringify(${JSON.stringify(entries)}.map((name) => [name, load(name)])));`;
    const failures = JSON.parse(await consumers.alone.run(pinnedNode, ['--eval', program]));
    const message = 'Error: castoff needs Node.js 22.12 or later; this is 20.11.1';
    expect(failures).toEqual(entries.map((name) => [name, message]));
    expect(failures.length).toBeGreaterThan(5);
  });
});

describe('beside testcontainers', () => {
  it('loads without loading them', async () => {
    const { packages } = JSON.parse(await consumers.newest.run(pinnedNode, ['require.cjs']));
    expect(packages).toEqual(['castoff']);
  });

  let started: { id: string; listed: readonly { things: readonly object[] }[] };
  beforeAll(async () => {
    started = JSON.parse(await consumers.newest.run(pinnedNode, ['await-using.mts']));
  });

  it('ends an `await using` scope in TypeScript that Node runs as it is', async () => {
    const { id } = started;
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    expect(await exists('container', id)).toBe(false);
  });

  it('lists by `castoff ls` what a scope owns, and the line that started it', () => {
    const { id, listed } = started;
    const source = 'await-using.mts:7';
    const things = listed.flatMap((session) => session.things);
    expect(things).toContainEqual(expect.objectContaining({ kind: 'container', id, source }));
  });

  it.each([
    ['Jest 29 and the oldest', 'oldest'],
    ['the newest Jest and', 'newest'],
  ] as const)(
    "cleans up inside Jest's sandbox, with %s testcontainers of its peer range",
    async (_, name) => {
      const { folder, run } = consumers[name];
      await run(pinnedNode, ['node_modules/jest/bin/jest.js', '--testTimeout', '30000']);
      const id = await readFile(join(folder, 'started.txt'), 'utf8');
      expect(id).toMatch(/^[0-9a-f]{64}$/);
      expect(await exists('container', id)).toBe(false);
    },
  );
});

describe('the preset', () => {
  // jest/versions.spec.ts has the preset with the oldest testcontainers.
  const peers = [
    ['the newest Jest and', 'newest'],
    ['Jest 29 and the oldest', 'oldest'],
  ] as const;
  it.each(isLong ? peers : peers.slice(0, 1))(
    'is found by its name, with %s testcontainers of the peer range; what a test forgets fails the run, and goes',
    async (_, name) => {
      const { folder, run } = consumers[name];
      const args = ['node_modules/jest/bin/jest.js', '--config', 'with-preset.config.js'];
      const error = await rejectionOf(run(pinnedNode, args));
      expect(String(error)).toContain('1 leak among 2 containers');
      // The oldest has no async functions of its own: the line is the test's.
      const line = { oldest: 'near with-preset\\.js:8', newest: 'with-preset\\.js:9' }[name];
      expect(String(error)).toMatch(new RegExp(`gives one, forgets one +${line}`));
      const ids = (await readFile(join(folder, 'with-preset.txt'), 'utf8')).split(' ');
      expect(await Promise.all(ids.map((id) => exists('container', id)))).toEqual([false, false]);
    },
  );
});

describe.each([
  ['without its peers', () => consumers.alone, 'types-alone'],
  ['beside testcontainers', () => consumers.newest, 'types'],
] as const)('in a strict TypeScript project %s', (_, consumer, fixture) => {
  const tsc = join(modules, 'typescript/bin/tsc');
  const flags = '--noEmit --strict --exactOptionalPropertyTypes --noUncheckedIndexedAccess --noUnusedLocals';
  const environment = '--target es2022 --lib es2022,esnext.disposable --types node';

  // A .cts file imports as CommonJS does, an .mts file as ESM does.
  const resolutions: readonly [resolution: string, kind: string, extensions: readonly string[]][] = [
    ['nodenext', 'nodenext', ['cts', 'mts']],
    ['bundler', 'esnext', ['ts']],
    // As `nodenext`, but frozen.
    ['node16', 'node16', ['cts', 'mts']],
  ];
  it.each(isLong ? resolutions : resolutions.slice(0, 2))(
    'its types hold by moduleResolution %s',
    async (resolution, kind, extensions) => {
      const { folder, run } = consumer();
      const files = extensions.map((extension) => `${fixture}-${resolution}.${extension}`);
      for (const file of files) await copyFile(join(folder, `${fixture}.ts`), join(folder, file));
      const options = `${flags} ${environment} --module ${kind} --moduleResolution ${resolution}`;
      expect(await run(pinnedNode, [tsc, ...options.split(' '), ...files])).toBe('');
    },
  );
});
