import { join } from 'node:path';
import { CastoffError } from '../core/errors';
import { resolveModule } from './resolve-module';

/**
 * Resolves the name of a `testEnvironment` to an absolute path.
 *
 * @throws CastoffError `CONFIG_INVALID` when it cannot be found.
 * @see jest-resolve, resolveTestEnvironment: `jest-environment-<name>` from the project, then from Jest; then
 * `<name>`
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
    `testEnvironment ${JSON.stringify(name)}: cannot find jest-environment-${name} or ${name} from ${rootDir}; install it`,
  );
}

/**
 * Resolves a dependency of the project's Jest to an absolute path.
 *
 * @throws CastoffError `CONFIG_INVALID` when it cannot be found.
 */
export function resolveInJest(request: string, rootDir: string): string {
  for (const folder of [...jestFolders(rootDir), rootDir]) {
    const path = resolveModule(request, folder);
    if (path !== undefined) return path;
  }
  throw new CastoffError('CONFIG_INVALID', `${request}: cannot find it from ${rootDir}; install jest there`);
}

/**
 * Returns the folders of the packages between `jest` and its environments, because not every installer hoists
 * those.
 */
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
