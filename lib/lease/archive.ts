import { realpath } from 'node:fs/promises';
import { dirname } from 'node:path/posix';
import type { Readable } from 'node:stream';
import { packTar } from 'modern-tar/fs';

/** A file of an archive: its absolute path there, and its content, or the path of a file with it. */
export type ArchiveFile = { readonly path: string; readonly mode: number } & (
  { readonly content: Uint8Array } | { readonly source: string }
);

/** Returns a file of an archive with this content. `mode`: by default, readable by everyone. */
export function inMemory(path: string, content: Uint8Array, mode = 0o644): ArchiveFile {
  return { path, content, mode };
}

/**
 * Resolves to a program in an archive, with the content of the file at `from`, read when the archive reaches it.
 *
 * @throws Error `ENOENT` when there is no such file.
 */
export async function onDisk(path: string, from: string): Promise<ArchiveFile> {
  return { path, source: await realpath(from), mode: 0o755 };
}

/**
 * Returns a tar archive of `files` and the folders above them. All entries are owned by root and dated 1970, so
 * that equal files give equal bytes.
 */
export function archiveOf(files: readonly ArchiveFile[]): Readable {
  // An engine creates folders without an entry with access for root only.
  const folders = foldersAbove(files.map(({ path }) => path));
  const entries = [...folders.map((path) => inMemory(`${path}/`, new Uint8Array(), 0o755)), ...files];
  return packTar(
    entries.map(({ path, mode, ...from }) => {
      const entry = { target: path.slice(1), mode, uid: 0, gid: 0, mtime: new Date(0) };
      return 'source' in from ? { type: 'file', ...entry, ...from } : { type: 'content', ...entry, ...from };
    }),
  );
}

function foldersAbove(paths: readonly string[]): readonly string[] {
  const folders = new Set<string>();
  for (const path of paths)
    for (let folder = dirname(path); folder !== '/'; folder = dirname(folder)) folders.add(folder);
  return [...folders].toSorted();
}
