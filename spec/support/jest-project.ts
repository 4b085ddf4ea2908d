import { copyFileSync, linkSync, mkdirSync, readdirSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export type JestVersion = '30' | '29';

const repository = join(__dirname, '../..');
const modules = join(repository, 'node_modules');
const fixtures = join(repository, 'spec/fixtures/jest');
const modulesOfJest = { '30': modules, '29': join(repository, 'spec/fixtures/jest-29/node_modules') };

/** What a user's project has installed beside castoff; Jest itself by its version. */
const linked = [
  '@swc/core',
  '@swc/jest',
  '@testcontainers/postgresql',
  '@testcontainers/redis',
  'dockerode',
  'jest-environment-jsdom',
  'msw',
  'nock',
  'nock-13',
  'testcontainers',
];

/**
 * A copy of spec/fixtures/jest/<name> outside of this repository, so that nothing of its own configuration leaks in. castoff is
 * installed in it as it has been built: `castoff/jest` goes through our package.json's `exports`.
 */
export async function copyProject(
  name: string,
  options: {
    jest: JestVersion;
    files: Readonly<Record<string, string>>;
    modules: Readonly<Record<string, string>>;
  },
): Promise<{ folder: string; remove: () => Promise<void> }> {
  // Jest leaves frames of a folder like `…jest-…/node_modules/` out of the stacks that it prints.
  const folder = await mkdtemp(join(tmpdir(), 'castoff-project-'));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true, maxRetries: 5 });
  try {
    await cp(join(fixtures, name), folder, { recursive: true });
    for (const [path, text] of Object.entries(options.files)) await write(join(folder, path), text);
    await install(join(folder, 'node_modules'), options.jest, options.modules);
  } catch (error) {
    await remove();
    throw error;
  }
  return { folder, remove };
}

async function install(
  target: string,
  version: JestVersion,
  others: Readonly<Record<string, string>>,
): Promise<void> {
  for (const name of linked) await link(others[name] ?? join(modules, name), join(target, name));
  for (const name of ['jest', 'jest-environment-node'])
    await link(join(modulesOfJest[version], name), join(target, name));
  // A copy, as npm makes one: a link would be followed to where files are not in `node_modules`, and transformed.
  mkdirSync(join(target, 'castoff'));
  copyFileSync(join(repository, 'package.json'), join(target, 'castoff/package.json'));
  linkBuild(join(repository, 'dist'), join(target, 'castoff/dist'));
}

/** Hard links: there are hundreds of files, and this is done for each run. Types are not loaded. */
function linkBuild(from: string, to: string): void {
  mkdirSync(to);
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) linkBuild(source, target);
    else if (!entry.name.endsWith('.d.ts')) linkOrCopy(source, target);
  }
}

function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    // The temporary folder is on another file system.
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    copyFileSync(from, to);
  }
}

async function link(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await symlink(from, to);
}

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}
