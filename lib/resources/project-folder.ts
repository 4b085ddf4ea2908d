import { existsSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { CastoffError } from '../core/errors';
import { projectFolderLabel } from '../core/labels';
import type { ListedTarget } from '../engine/list-targets';

/** Where the arguments of a Compose command locate its project. */
export interface ProjectLocation {
  /** The project's name. */
  readonly project?: string | undefined;
  readonly directory?: string | undefined;
  /** The first Compose file. */
  readonly file?: string | undefined;
  /** The Compose files after the first. Default: none. */
  readonly moreFiles?: readonly string[] | undefined;
  /** Whether it names files of variables in place of `.env`. Default false. */
  readonly hasEnvFile?: boolean | undefined;
}

/** @see Compose specification, "The Compose file" */
const fileNames = ['compose.yaml', 'compose.yml', 'docker-compose.yml', 'docker-compose.yaml'];

/**
 * Returns the project folder of a Compose command run in `cwd`, as Compose writes it on container labels: the
 * folder of its first file, or else the nearest folder upwards with a Compose file. Contains a second path
 * when resolving symbolic links changes it.
 */
export function projectFolders({ directory, file }: ProjectLocation, cwd: string): readonly string[] {
  const folder =
    directory === undefined ? folderOfFile(file === '-' ? undefined : file, cwd) : resolve(cwd, directory);
  return [...new Set([folder, realPath(folder)])];
}

/** Resolves symbolic links in a path that Compose has written. */
export function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // ENOENT: it was removed, or is on another machine.
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
 * Returns a check that throws `CONFIG_INVALID` for a container of a project that was started from another
 * folder than `workingDir`; by default, than the Compose folder of the working directory. Containers that do
 * not name a folder pass.
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
        `remove Compose project ${project}: it was started from ${folder}, not from ${expected[0] ?? cwd}; ` +
          `if it is yours, set workingDir: ${JSON.stringify(folder)}`,
      );
    }
  };
}
