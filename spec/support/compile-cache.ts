import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

const hourMs = 60 * 60_000;

/**
 * The folder in which the processes of nested runs share V8's code cache: each loads the same hundreds of files of Jest. Each hour
 * has its own, because the copies of castoff that are gone have entries too.
 */
export function compileCacheFolder(): string {
  const prefix = `castoff-spec-compile-cache-${userInfo().uid}-`;
  const hour = Math.floor(Date.now() / hourMs);
  const folder = join(tmpdir(), `${prefix}${hour}`);
  const isNew = mkdirSync(folder, { recursive: true }) !== undefined;
  // A nested run that started in the hour before may still write to that hour's folder.
  if (isNew) removeFolders(prefix, (name) => Number(name) < hour - 1);
  return folder;
}

function removeFolders(prefix: string, isOld: (suffix: string) => boolean): void {
  const old = readdirSync(tmpdir()).filter(
    (name) => name.startsWith(prefix) && isOld(name.slice(prefix.length)),
  );
  for (const name of old) {
    const removed = join(tmpdir(), `${name}-removed-by-${process.pid}`);
    try {
      renameSync(join(tmpdir(), name), removed);
    } catch (error) {
      // ENOENT: another worker has renamed it, and removes it.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      continue;
    }
    rmSync(removed, { recursive: true, force: true });
  }
}
