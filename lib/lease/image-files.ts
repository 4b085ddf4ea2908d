import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CastoffError } from '../core/errors';
import { inMemory, onDisk, type ArchiveFile } from './archive';
import { imagePaths } from './image-recipe';
import { findPackageFolder, findReaperProgram } from './own-files';

const run = promisify(execFile);

interface ReaperFiles {
  readonly program: Uint8Array;
  readonly licences: Uint8Array;
  /** `undefined` when this package has none for the engine's processor. */
  readonly binder: Uint8Array | undefined;
}

/**
 * Reads the files of the build.
 *
 * @param architecture - The engine's processor, as Go names it (`amd64`).
 * @throws CastoffError `CONFIG_INVALID` when castoff has not been built.
 */
export async function readReaperFiles(architecture: string): Promise<ReaperFiles> {
  const built = join(findPackageFolder(), 'dist');
  const [program, licences, binder] = await Promise.all([
    readBuilt(findReaperProgram()),
    readBuilt(join(built, 'THIRD-PARTY-LICENSES-reaper.txt')),
    readIfPresent(join(built, `bind-then-run-${architecture}`)),
  ]);
  return { program, licences, binder };
}

/** Returns castoff's own files with their paths in the image. */
export function filesOfReaper({ program, licences, binder }: ReaperFiles): readonly ArchiveFile[] {
  return [
    inMemory(imagePaths.program, program),
    inMemory(imagePaths.licences, licences),
    ...(binder === undefined ? [] : [inMemory(imagePaths.binder, binder, 0o755)]),
  ];
}

/**
 * Returns the running Node, its libraries and a passwd file, with their paths in the image.
 *
 * @throws CastoffError `CONFIG_INVALID` when this Node is not a Linux program.
 */
export async function filesOfNode(): Promise<readonly ArchiveFile[]> {
  // Gives the users that the reaper may run as a name.
  const passwd = Buffer.from('root:x:0:0:root:/:\nnobody:x:65534:65534:nobody:/:\n');
  const libraries = await listNodeLibraries();
  const node = onDisk(imagePaths.node, process.execPath);
  const files = await Promise.all([node, ...libraries.map((path) => onDisk(path, path))]);
  return [inMemory('/etc/passwd', passwd), ...files];
}

async function readBuilt(path: string): Promise<Uint8Array> {
  const content = await readIfPresent(path);
  if (content !== undefined) return content;
  throw new CastoffError('CONFIG_INVALID', `read ${path}: not found; build castoff, or reinstall it`);
}

async function readIfPresent(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Lists the shared libraries of this Node, including the loader, from a diagnostic report: `ldd` is not on
 * every machine. The report is of a new process, because this one may have loaded more.
 *
 * @throws CastoffError `CONFIG_INVALID` when this Node is not a Linux program.
 */
async function listNodeLibraries(): Promise<readonly string[]> {
  if (process.platform !== 'linux')
    throw new CastoffError(
      'CONFIG_INVALID',
      `build the reaper's image from this Node: it runs on ${process.platform}, and a container needs one for linux; build on an image with Node: castoff reaper image --base node:24-alpine`,
    );
  const report = 'process.report.excludeNetwork = true; process.report.excludeEnv = true;';
  const script = `${report} JSON.stringify(process.report.getReport().sharedObjects)`;
  const { stdout } = await run(process.execPath, ['--print', script], {
    env: { ...process.env, NODE_OPTIONS: undefined },
  });
  const sharedObjects = JSON.parse(stdout) as readonly string[];
  // `linux-vdso.so.1` comes from the kernel and is no file.
  return sharedObjects.filter((path) => path.startsWith('/') && path !== process.execPath);
}
