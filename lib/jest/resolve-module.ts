import { createRequire } from 'node:module';
import { isAbsolute, join, resolve } from 'node:path';

/** `path` with the `<rootDir>` that Jest's options may begin with. */
export function replaceRootDir(path: string, rootDir: string): string {
  return path.startsWith('<rootDir>') ? resolve(rootDir, `.${path.slice('<rootDir>'.length)}`) : path;
}

/**
 * The absolute path of the module that an option of Jest names: a package, or a path from `rootDir`; `undefined`: there is none.
 * `extensions` are tried beside those that Node knows.
 */
export function resolveModule(
  name: string,
  rootDir: string,
  extensions: readonly string[] = [],
): string | undefined {
  const request = replaceRootDir(name, rootDir);
  const { resolve: find } = createRequire(join(rootDir, 'package.json'));
  // Jest takes `setup/a.js` for a path where no package is called so.
  const requests = isAbsolute(request) || request.startsWith('.') ? [request] : [request, `./${request}`];
  for (const candidate of requests.flatMap((each) => ['', ...extensions].map((end) => `${each}${end}`))) {
    try {
      return find(candidate);
    } catch {
      // MODULE_NOT_FOUND, ERR_PACKAGE_PATH_NOT_EXPORTED: the next one, or none.
    }
  }
  return undefined;
}
