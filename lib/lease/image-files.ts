import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CastoffError } from '../core/errors';
import { imagePaths } from './image-recipe';
import { librariesOfNode } from './node-files';
import { packageFolder, reaperProgram } from './own-files';
import type { TarFile } from './tar';

/** What of castoff's own goes into the reaper's image. */
export interface ReaperFiles {
  readonly program: Uint8Array;
  readonly licences: Uint8Array;
  /** `undefined`: this package has none for the engine's processor. */
  readonly binder: Uint8Array | undefined;
}

/**
 * Reads what the build has made.
 *
 * @param architecture - The engine's, in the words of Go.
 * @throws CastoffError `CONFIG_INVALID` where castoff has not been built.
 */
export async function readReaperFiles(architecture: string): Promise<ReaperFiles> {
  const built = join(packageFolder(), 'dist');
  const [program, licences, binder] = await Promise.all([
    readBuilt(reaperProgram()),
    readBuilt(join(built, 'THIRD-PARTY-LICENSES-reaper.txt')),
    readIfThere(join(built, `bind-then-run-${architecture}`)),
  ]);
  return { program, licences, binder };
}

/** Castoff's own files, at their places. */
export function tarFilesOfReaper({ program, licences, binder }: ReaperFiles): readonly TarFile[] {
  return [
    inMemory(imagePaths.program, program),
    inMemory(imagePaths.licences, licences),
    ...(binder === undefined ? [] : [{ ...inMemory(imagePaths.binder, binder), isExecutable: true }]),
  ];
}

/** The running Node, and all that it needs to run. */
export async function tarFilesOfNode(): Promise<readonly TarFile[]> {
  // Whoever it runs as has a name.
  const passwd = Buffer.from('root:x:0:0:root:/:\nnobody:x:65534:65534:nobody:/:\n');
  const libraries = await librariesOfNode();
  const node = onDisk(imagePaths.node, process.execPath);
  const files = await Promise.all([node, ...libraries.map((path) => onDisk(path, path))]);
  return [inMemory('/etc/passwd', passwd), ...files];
}

/** A file with these words. */
export function inMemory(path: string, content: Uint8Array): TarFile {
  return { path, sizeBytes: content.length, content: [content] };
}

async function onDisk(path: string, from: string): Promise<TarFile> {
  const { size } = await stat(from);
  // Opened when it is its turn.
  const content = { [Symbol.asyncIterator]: () => createReadStream(from)[Symbol.asyncIterator]() };
  return { path, isExecutable: true, sizeBytes: size, content };
}

async function readBuilt(path: string): Promise<Uint8Array> {
  const content = await readIfThere(path);
  if (content !== undefined) return content;
  throw new CastoffError(
    'CONFIG_INVALID',
    `read ${path}: it is not there; build castoff, or install it anew`,
  );
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
