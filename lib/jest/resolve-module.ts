import { createRequire } from 'node:module';
import { isAbsolute, join, resolve } from 'node:path';

/** Replaces the `<rootDir>` that a path of Jest's options may start with. */
export function replaceRootDir(path: string, rootDir: string): string {
  return path.startsWith('<rootDir>') ? resolve(rootDir, `.${path.slice('<rootDir>'.length)}`) : path;
}

/**
 * Resolves the module that an option of Jest names to an absolute path, or `undefined` if it cannot be found.
 *
 * @param name - A package, or a path relative to `rootDir`.
 * @param extensions - Extensions to try besides those of Node.js, with their dot.
 */
export function resolveModule(
  name: string,
  rootDir: string,
  extensions: readonly string[] = [],
): string | undefined {
  const request = replaceRootDir(name, rootDir);
  const { resolve: resolveFromRoot } = createRequire(join(rootDir, 'package.json'));
  // Jest treats `setup/a.js` as a path unless a package has that name.
  const requests = isAbsolute(request) || request.startsWith('.') ? [request] : [request, `./${request}`];
  for (const candidate of requests.flatMap((each) =>
    ['', ...extensions].map((extension) => `${each}${extension}`),
  )) {
    try {
      return resolveFromRoot(candidate);
    } catch {
      // MODULE_NOT_FOUND, ERR_PACKAGE_PATH_NOT_EXPORTED: try the next candidate.
    }
  }
  return undefined;
}
