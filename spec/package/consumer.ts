import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { engines, peerDependencies } from '../../package.json';
import { isLong } from '../support/spec-size';

const repository = join(__dirname, '../..');
const modules = join(repository, 'node_modules');
const fixtures = join(repository, 'spec/fixtures/package');
const installTimeoutMs = 150_000;
const runTimeoutMs = 30_000;

/** Somebody's folder outside of this repository, with castoff and others installed. */
export interface Consumer {
  readonly folder: string;
  /** Runs a program in the folder; resolves to what it printed. */
  readonly run: (program: string, args: readonly string[]) => Promise<string>;
}

/** What would be published of what has been built, and three who use it. */
export interface Consumers {
  /** The files in the tarball. */
  readonly files: readonly string[];
  /** Without castoff's peers; has the oldest Node as `oldest-node`, and in a long run the newest as `newest-node`. */
  readonly alone: Consumer;
  /** With Jest 29 and the oldest testcontainers; in a long run, with the oldest of castoff's peers. */
  readonly oldest: Consumer;
  /** With the newest of castoff's peers, and types. */
  readonly newest: Consumer;
  /** Removes it all. */
  close(): Promise<void>;
}

/**
 * Packs castoff, and installs it three times, in a folder of their own. npm installs `alone`, and in a long run the others, too;
 * otherwise those get the installed castoff beside links to the packages that this repository has.
 */
export async function openConsumers(): Promise<Consumers> {
  const folder = await mkdtemp(join(tmpdir(), 'castoff-package-'));
  const close = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const { filename, files } = await pack(folder);
    const castoff = `file:${join(folder, filename)}`;
    const alone = await installAlone(join(folder, 'alone'), castoff);
    const [oldest, newest] = await (isLong
      ? installWithPeers(folder, castoff)
      : placeWithPeers(folder, alone));
    return { alone, oldest, newest, files: files.map(({ path }) => path), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function installAlone(folder: string, castoff: string): Promise<Consumer> {
  const node = `npm:node-${process.platform}-${process.arch}`;
  const alone = await install(folder, {
    castoff,
    'oldest-node': `${node}@${oldestOf(engines.node)}`,
    ...(isLong ? { 'newest-node': `${node}@26` } : {}),
  });
  await link(modules, folder, ['@types/node']);
  return alone;
}

function installWithPeers(folder: string, castoff: string): Promise<[Consumer, Consumer]> {
  const { jest, testcontainers } = peerDependencies;
  return Promise.all([
    install(join(folder, 'oldest'), {
      castoff,
      jest: oldestOf(jest),
      testcontainers: oldestOf(testcontainers),
    }),
    install(join(folder, 'newest'), {
      castoff,
      jest,
      testcontainers,
      '@testcontainers/postgresql': '12',
      '@types/node': '24',
    }),
  ]);
}

async function placeWithPeers(folder: string, alone: Consumer): Promise<[Consumer, Consumer]> {
  const oldest = await place(join(folder, 'oldest'), alone);
  await link(join(repository, 'spec/fixtures/jest-29/node_modules'), oldest.folder, jestPackages);
  await link(join(repository, 'spec/fixtures/testcontainers-8/node_modules'), oldest.folder, [
    'testcontainers',
  ]);
  const newest = await place(join(folder, 'newest'), alone);
  const others = ['testcontainers', '@testcontainers/postgresql', '@types/node'];
  await link(modules, newest.folder, [...jestPackages, ...others]);
  return [oldest, newest];
}

/** castoff looks for both in the project. */
const jestPackages = ['jest', 'jest-environment-node'];

/** Creates a project with castoff as npm installed it in `alone`. */
async function place(folder: string, alone: Consumer): Promise<Consumer> {
  await createProject(folder, {});
  for (const name of ['castoff', '.bin/castoff'])
    await cp(join(alone.folder, 'node_modules', name), join(folder, 'node_modules', name), {
      recursive: true,
      verbatimSymlinks: true,
    });
  return consumerIn(folder);
}

async function link(from: string, folder: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const path = join(folder, 'node_modules', name);
    await mkdir(dirname(path), { recursive: true });
    await symlink(join(from, name), path);
  }
}

function consumerIn(folder: string): Consumer {
  return { folder, run: (program, args) => run(folder, program, args) };
}

function oldestOf(range: string): string {
  return /[\d.]+/.exec(range)?.[0] ?? range;
}

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

async function pack(folder: string): Promise<Packed> {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const [packed] = JSON.parse(await run(repository, 'npm', args)) as [Packed];
  return packed;
}

async function install(folder: string, dependencies: Readonly<Record<string, string>>): Promise<Consumer> {
  await createProject(folder, dependencies);
  const flags = '--prefer-offline --ignore-scripts --no-audit --no-fund --no-package-lock';
  await run(folder, 'npm', ['install', ...flags.split(' ')], installTimeoutMs);
  return consumerIn(folder);
}

async function createProject(folder: string, dependencies: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(folder);
  await cp(fixtures, folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies }));
}

async function run(
  cwd: string,
  program: string,
  args: readonly string[],
  timeoutMs = runTimeoutMs,
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  execFile(program, args, { cwd, env: process.env, timeout: timeoutMs }, (cause, stdout, stderr) => {
    if (cause === null) resolve(stdout);
    else reject(new Error(`run ${program} ${args.join(' ')}\n${stdout}\n${stderr}`, { cause }));
  });
  return promise;
}
