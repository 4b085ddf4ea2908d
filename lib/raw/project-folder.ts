import { existsSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { ProjectPlace } from './docker-command';

/** @see Compose specification, "The Compose file" */
const fileNames = ['compose.yaml', 'compose.yml', 'docker-compose.yml', 'docker-compose.yaml'];

/**
 * The folder of the project of a Compose command that is run in `cwd`, as Compose writes it on containers: that of its first file, or
 * without one the next folder upwards that has one; links on the way may be named in it, or not.
 */
export function projectFolders({ directory, file }: ProjectPlace, cwd: string): readonly string[] {
  const folder =
    directory === undefined ? folderOfFile(file === '-' ? undefined : file, cwd) : resolve(cwd, directory);
  return [...new Set([folder, realPath(folder)])];
}

/** The same for a path that Compose has written. */
export function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // ENOENT: it is gone, or another machine's.
    return path;
  }
}

function folderOfFile(file: string | undefined, cwd: string): string {
  if (file !== undefined) return dirname(resolve(cwd, file));
  let folder = resolve(cwd);
  while (!fileNames.some((name) => existsSync(join(folder, name)))) {
    const above = dirname(folder);
    if (above === folder) return resolve(cwd);
    folder = above;
  }
  return folder;
}
