import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { tolerate } from '../core/errno';
import { readVariable } from '../core/environment';
import { projectFolders, type ProjectLocation } from '../resources/project-folder';
import type { CommandLine } from './launch';
import { projectNameIn } from './project-name';

/** The files that Compose reads where the command names none. @see docker compose, `--file` */
const defaultFiles = ['compose', 'docker-compose']
  .flatMap((name) => [name, `${name}.override`])
  .flatMap((name) => [`${name}.yml`, `${name}.yaml`]);

/**
 * Returns the name that Compose will give to the project of a command without one, as far as that can be read without
 * Compose: from `.env`, the Compose files and the folder. `undefined` if it cannot.
 */
export function deriveProjectName(
  at: ProjectLocation,
  { file, cwd: given, env }: CommandLine,
): string | undefined {
  const cwd = given ?? process.cwd();
  const { file: composeFile, moreFiles = [], hasEnvFile = false } = at;
  if (hasEnvFile || composeFile === '-' || readVariable('COMPOSE_ENV_FILES', env) !== undefined)
    return undefined;
  const folders = projectFolders(at, cwd);
  const [folder = cwd] = folders;
  const paths =
    composeFile === undefined ? defaultFiles.map((name) => join(folder, name)) : [composeFile, ...moreFiles];
  const envPaths = [...new Set([join(folder, '.env'), resolve(cwd, '.env')])];
  return projectNameIn({
    folders,
    variables: readTexts(envPaths),
    composeFiles: readTexts(paths.map((path) => resolve(cwd, path))),
    isPlugin: /(?:^|[\\/])docker(?:\.exe)?$/i.test(file),
  });
}

/** Reads the files that exist. */
function readTexts(paths: readonly string[]): readonly string[] {
  return paths.flatMap((path) =>
    tolerate(['ENOENT', 'ENOTDIR', 'EISDIR'], () => [readFileSync(path, 'utf8')], []),
  );
}
