import { copyFileSync, linkSync, mkdirSync, readdirSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const repository = join(__dirname, '../..');

/** Our own packages. */
export const ownModules = join(repository, 'node_modules');

interface Project {
  /** Files to add, or to replace: path → text. */
  readonly files: Readonly<Record<string, string>>;
  /** Packages to install: name → folder. */
  readonly packages: Readonly<Record<string, string>>;
}

/**
 * Copies spec/fixtures/<fixture> to a folder outside of this repository, whose configuration would apply
 * otherwise. Installs the built castoff in it, so that `castoff/jest` resolves through package.json's
 * `exports`.
 */
export async function copyFixture(
  fixture: string,
  { files, packages }: Project,
): Promise<{ folder: string; remove: () => Promise<void> }> {
  // Jest drops stack frames of a folder like `…jest-…/node_modules/`, so the name must not contain `jest-`.
  const folder = await mkdtemp(join(tmpdir(), 'castoff-project-'));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true, maxRetries: 5 });
  try {
    await cp(join(repository, 'spec/fixtures', fixture), folder, { recursive: true });
    for (const [path, text] of Object.entries(files)) await write(join(folder, path), text);
    await install(join(folder, 'node_modules'), packages);
  } catch (error) {
    await remove();
    throw error;
  }
  return { folder, remove };
}

async function install(target: string, packages: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, folder] of Object.entries(packages)) await link(folder, join(target, name));
  // A copy, as npm installs it: Jest would follow a link out of `node_modules`, and transform the files.
  mkdirSync(join(target, 'castoff'));
  copyFileSync(join(repository, 'package.json'), join(target, 'castoff/package.json'));
  linkBuild(join(repository, 'dist'), join(target, 'castoff/dist'));
}

/** Creates hard links, which are fast for hundreds of files. Leaves types out. */
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
    // EXDEV: the temporary folder is on another file system.
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
