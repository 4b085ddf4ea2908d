import { join } from 'node:path';
import { CastoffError } from '../core/errors';
import { resolveModule } from './resolve-module';

/**
 * The absolute path of the environment that Jest's `testEnvironment` names, found where Jest looks.
 *
 * @throws CastoffError `CONFIG_INVALID` when there is none.
 * @see jest-resolve, resolveTestEnvironment: `jest-environment-<name>` from the project, then from Jest; then `<name>`.
 */
export function resolveEnvironment(name: string, rootDir: string): string {
  const folders = [rootDir, ...jestFolders(rootDir)];
  for (const request of [`jest-environment-${name}`, name]) {
    for (const folder of folders) {
      const path = resolveModule(request, folder);
      if (path !== undefined) return path;
    }
  }
  throw new CastoffError(
    'CONFIG_INVALID',
    `testEnvironment ${JSON.stringify(name)}: neither jest-environment-${name} nor ${name} is to be found from ${rootDir}; install it`,
  );
}

/**
 * The absolute path of what Jest brings, for that project.
 *
 * @throws CastoffError `CONFIG_INVALID` when it is not to be found.
 */
export function resolveInJest(request: string, rootDir: string): string {
  for (const folder of [...jestFolders(rootDir), rootDir]) {
    const path = resolveModule(request, folder);
    if (path !== undefined) return path;
  }
  throw new CastoffError(
    'CONFIG_INVALID',
    `${request}: it is not to be found from ${rootDir}; install jest there`,
  );
}

/** From Jest's own package to the one that has the environments among its dependencies: not every installer hoists them. */
function jestFolders(rootDir: string): readonly string[] {
  return [rootDir, __dirname].flatMap((start) => {
    const folders: string[] = [];
    let folder = start;
    for (const name of ['jest', 'jest-cli', 'jest-config']) {
      const path = resolveModule(`${name}/package.json`, folder);
      if (path === undefined) break;
      folder = join(path, '..');
      folders.push(folder);
    }
    return folders;
  });
}
