import { join } from 'node:path';

const { CASTOFF_VERSIONS_FOLDER: folder = '', CASTOFF_VERSIONS: names = '' } = process.env;

/**
 * Packages that `npm run test:versions` has installed in other versions than ours, such as `node-22.12.0`: name →
 * their `node_modules`. None in other runs.
 */
export const otherVersions: ReadonlyMap<string, string> = new Map(
  names
    .split(',')
    .filter((name) => name !== '')
    .map((name) => [name, join(folder, name, 'node_modules')]),
);

/** Returns the `node_modules` of one of {@link otherVersions}. */
export function otherVersion(name: string): string | undefined {
  return otherVersions.get(name);
}

/** The `node` commands of {@link otherVersions}: name → path. */
export const otherNodes: readonly (readonly [name: string, command: string])[] = [...otherVersions]
  .filter(([name]) => name.startsWith('node-'))
  .map(([name, path]) => [name, join(path, '.bin/node')]);
