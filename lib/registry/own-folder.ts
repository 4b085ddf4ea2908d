import { lstatSync, mkdirSync, mkdtempSync, readdirSync, type Stats } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { CastoffError, messageOf } from '../core/errors';

/**
 * The folder in which this user's processes leave what others of theirs may need: journals, sockets, logs. Made where it is missing, and
 * accessible to this user alone, since what a journal names is removed.
 *
 * It is in `XDG_RUNTIME_DIR` where that is such a folder itself, else in the temporary folder. Another user may have taken the name there:
 * then it has a name that could not be foreseen, which later processes find.
 *
 * @throws CastoffError `CONFIG_INVALID` when none can be made.
 * @see XDG Base Directory Specification: owned by the user, mode 0700
 */
export function makeOwnFolder(): string {
  const runtime = runtimeFolder();
  if (runtime !== undefined && makePrivate(join(runtime, 'castoff'))) return join(runtime, 'castoff');
  return makeFolderIn(resolve(tmpdir()));
}

/** A folder as {@link makeOwnFolder} makes it, whose name is short enough for the path of a socket. */
export function makeShortFolder(): string {
  const folder = makeOwnFolder();
  return Buffer.byteLength(folder) <= maxShortPathBytes ? folder : makeFolderIn('/tmp');
}

/** With it, the paths of all sockets fit into 95 bytes. */
const maxShortPathBytes = 50;

/** Every such folder that is there: processes with another environment may have used another. */
export function listOwnFolders(): readonly string[] {
  const uid = process.getuid?.();
  const runtimes = [process.env['XDG_RUNTIME_DIR'] ?? '', uid === undefined ? '' : `/run/user/${uid}`];
  const temporary = resolve(tmpdir());
  const folders = [
    ...runtimes.filter((path) => path !== '').map((path) => join(resolve(path), 'castoff')),
    join(temporary, usualName()),
    ...otherFoldersIn(temporary),
  ];
  return [...new Set(folders)].filter((path) => isPrivate(path));
}

// Not the user's name: a uid need not have one (`docker run -u 12345`, OpenShift).
const usualName = (): string => `castoff-${process.getuid?.() ?? 'user'}`;

function runtimeFolder(): string | undefined {
  const path = process.env['XDG_RUNTIME_DIR'];
  if (path === undefined || path === '' || process.getuid === undefined) return undefined;
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
      `make ${usual} for castoff's journals and sockets: ${messageOf(cause)}; set TMPDIR to a folder that you can write to`,
      { cause },
    );
  }
}

/** Those whose names could not be foreseen. */
function otherFoldersIn(base: string): readonly string[] {
  try {
    return readdirSync(base)
      .filter((name) => name.startsWith(`${usualName()}-`))
      .toSorted()
      .map((name) => join(base, name))
      .filter((path) => isPrivate(path));
  } catch {
    // ENOENT, ENOTDIR, EACCES: then there are none that could be used.
    return [];
  }
}

/** Whether `path` is such a folder now. */
function makePrivate(path: string): boolean {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch {
    // EEXIST, ENOTDIR: something else has the name. EACCES, EROFS, ENOSPC: another place may do.
    return false;
  }
  return isPrivate(path);
}

function isPrivate(path: string): boolean {
  let stats: Stats | undefined;
  try {
    stats = lstatSync(path, { throwIfNoEntry: false });
  } catch {
    // EACCES, ENOTDIR: nothing there is ours.
    return false;
  }
  if (stats?.isDirectory() !== true) return false;
  const uid = process.getuid?.();
  return uid === undefined || (stats.uid === uid && (stats.mode & 0o077) === 0);
}
