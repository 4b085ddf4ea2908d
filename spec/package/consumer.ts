import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { engines, peerDependencies } from '../../package.json';

const repository = join(__dirname, '../..');
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
  /** Without castoff's peers; has the oldest and the newest Node as `oldest-node` and `newest-node`. */
  readonly alone: Consumer;
  /** With the oldest of castoff's peers. */
  readonly oldest: Consumer;
  /** With the newest of castoff's peers, and types. */
  readonly newest: Consumer;
  /** Removes it all. */
  close(): Promise<void>;
}

/** Packs castoff and installs it three times, in a folder of their own. */
export async function openConsumers(): Promise<Consumers> {
  const folder = await mkdtemp(join(tmpdir(), 'castoff-package-'));
  const close = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const { filename, files } = await pack(folder);
    const consumers = await installConsumers(folder, `file:${join(folder, filename)}`);
    return { ...consumers, files: files.map(({ path }) => path), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function installConsumers(
  folder: string,
  castoff: string,
): Promise<Omit<Consumers, 'files' | 'close'>> {
  const node = `npm:node-${process.platform}-${process.arch}`;
  const { jest, testcontainers } = peerDependencies;
  const [alone, oldest, newest] = await Promise.all([
    install(join(folder, 'alone'), {
      castoff,
      '@types/node': '24',
      'oldest-node': `${node}@${oldestOf(engines.node)}`,
      'newest-node': `${node}@26`,
    }),
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
  return { alone, oldest, newest };
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
  await mkdir(folder);
  await cp(fixtures, folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies }));
  const flags = '--prefer-offline --ignore-scripts --no-audit --no-fund --no-package-lock';
  await run(folder, 'npm', ['install', ...flags.split(' ')], installTimeoutMs);
  return { folder, run: (program, args) => run(folder, program, args) };
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
