import { lstatSync, mkdirSync, mkdtempSync, readdirSync, type Stats } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { CastoffError, messageOf } from '../core/errors';
import { readVariable } from '../core/environment';

/**
 * Returns the folder for files shared between this user's processes: journals, sockets, logs. Creates it when
 * missing, accessible to this user only, since castoff removes what a journal names.
 *
 * It is in `XDG_RUNTIME_DIR` when that folder is private to the user, and in the temporary folder otherwise.
 * When another user has taken its name there, it gets a random suffix, and later processes find it by prefix.
 *
 * @throws CastoffError `CONFIG_INVALID` when it cannot be created.
 * @see XDG Base Directory Specification: owned by the user, mode 0700
 */
export function makeOwnFolder(): string {
  const runtime = runtimeFolder();
  if (runtime !== undefined && makePrivate(join(runtime, 'castoff'))) return join(runtime, 'castoff');
  return makeFolderIn(resolve(tmpdir()));
}

/** Like {@link makeOwnFolder}, with a path short enough for sockets. */
export function makeShortFolder(): string {
  const folder = makeOwnFolder();
  return Buffer.byteLength(folder) <= maxShortPathBytes ? folder : makeFolderIn('/tmp');
}

/** Keeps the paths of all sockets within 95 bytes. */
const maxShortPathBytes = 50;

/** Lists all existing folders of this kind: processes with another environment may use another one. */
export function listOwnFolders(): readonly string[] {
  const uid = process.getuid?.();
  const runtimes = [readVariable('XDG_RUNTIME_DIR') ?? '', uid === undefined ? '' : `/run/user/${uid}`];
  const temporary = resolve(tmpdir());
  const folders = [
    ...runtimes.filter((path) => path !== '').map((path) => join(resolve(path), 'castoff')),
    join(temporary, usualName()),
    ...otherFoldersIn(temporary),
  ];
  return [...new Set(folders)].filter((path) => isPrivate(path));
}

// Not the user's name: a uid may have none (`docker run -u 12345`, OpenShift).
const usualName = (): string => `castoff-${process.getuid?.() ?? 'user'}`;

function runtimeFolder(): string | undefined {
  const path = readVariable('XDG_RUNTIME_DIR');
  if (path === undefined || process.getuid === undefined) return undefined;
  return isPrivate(resolve(path)) ? resolve(path) : undefined;
}

function makeFolderIn(base: string): string {
  const usual = join(base, usualName());
  if (makePrivate(usual)) return usual;
  const [other] = otherFoldersIn(base);
  if (other !== undefined) return other;
  try {
    return mkdtempSync(`${usual}-`);
  } catch (cause) {
    throw new CastoffError(
      'CONFIG_INVALID',
      `create ${usual} for castoff's journals and sockets: ${messageOf(cause)}; set TMPDIR to a folder that you can write to`,
      { cause },
    );
  }
}

function otherFoldersIn(base: string): readonly string[] {
  try {
    return readdirSync(base)
      .filter((name) => name.startsWith(`${usualName()}-`))
      .toSorted()
      .map((name) => join(base, name))
      .filter((path) => isPrivate(path));
  } catch {
    // ENOENT, ENOTDIR, EACCES: no usable folders.
    return [];
  }
}

/** Creates a private folder at `path`. Returns whether it is one now. */
function makePrivate(path: string): boolean {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch {
    // EEXIST, ENOTDIR: the name is taken. EACCES, EROFS, ENOSPC: try another location.
    return false;
  }
  return isPrivate(path);
}

function isPrivate(path: string): boolean {
  let stats: Stats | undefined;
  try {
    stats = lstatSync(path, { throwIfNoEntry: false });
  } catch {
    // EACCES, ENOTDIR: not a folder of this user.
    return false;
  }
  if (stats?.isDirectory() !== true) return false;
  const uid = process.getuid?.();
  return uid === undefined || (stats.uid === uid && (stats.mode & 0o077) === 0);
}
