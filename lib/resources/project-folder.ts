import { existsSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { CastoffError } from '../core/errors';
import { projectFolderLabel } from '../core/labels';
import type { ListedTarget } from '../engine/list-targets';

/** What a Compose command says of its project, and of where that is. */
export interface ProjectLocation {
  /** Its name. */
  readonly project?: string | undefined;
  readonly directory?: string | undefined;
  /** The first of its files. */
  readonly file?: string | undefined;
}

/** @see Compose specification, "The Compose file" */
const fileNames = ['compose.yaml', 'compose.yml', 'docker-compose.yml', 'docker-compose.yaml'];

/**
 * The folder of the project of a Compose command that is run in `cwd`, as Compose writes it on containers: that of its first file, or
 * without one the next folder upwards that has one; links on the way may be named in it, or not.
 */
export function projectFolders({ directory, file }: ProjectLocation, cwd: string): readonly string[] {
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

/**
 * What throws `CONFIG_INVALID` for a container of a project that was brought up from another folder than `workingDir`, or without one, than
 * the folder of a Compose project that this process is in. A container that names no folder says nothing of it.
 */
export function checkProjectFolder(
  project: string,
  workingDir: string | undefined,
): (found: readonly ListedTarget[]) => void {
  const cwd = process.cwd();
  const expected = projectFolders(workingDir === undefined ? {} : { directory: workingDir }, cwd);
  return (found) => {
    for (const { kind, labels } of found) {
      const folder = kind === 'container' ? labels[projectFolderLabel] : undefined;
      if (folder === undefined || expected.includes(folder) || expected.includes(realPath(folder))) continue;
      throw new CastoffError(
        'CONFIG_INVALID',
        `remove Compose project ${project}: it was brought up from ${folder}, not from ${expected[0] ?? cwd}; ` +
          `if it is yours, give workingDir: ${JSON.stringify(folder)}`,
      );
    }
  };
}
