import { lstatSync, mkdirSync, type Stats } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CastoffError } from '../core/errors';

/** Where this user's processes keep what others of theirs may need: in the temporary folder, for this user alone. */
export function ownFolder(): string {
  // Not the user's name: a uid need not have one (`docker run -u 12345`, OpenShift).
  return join(tmpdir(), `castoff-${process.getuid?.() ?? 'user'}`);
}

/**
 * Makes the folder where it is missing.
 *
 * @throws CastoffError `CONFIG_INVALID` when it is somebody else's: the temporary folder is open to all, and what stands in a
 * journal is removed.
 */
export function makeOwnFolder(): string {
  const path = ownFolder();
  mkdirSync(path, { recursive: true, mode: 0o700 });
  checkOwnFolder(path);
  return path;
}

/** @throws CastoffError `CONFIG_INVALID` when it is there and somebody else's. */
export function checkOwnFolder(path: string): void {
  const stats: Stats | undefined = lstatSync(path, { throwIfNoEntry: false });
  const uid = process.getuid?.();
  if (stats === undefined || uid === undefined) return;
  if (stats.isDirectory() && stats.uid === uid) return;
  throw new CastoffError(
    'CONFIG_INVALID',
    `use ${path} for castoff's journals: it is ${stats.isDirectory() ? `a folder of user ${stats.uid}` : 'no folder'}, not ours; remove it, or set TMPDIR`,
  );
}
