import { isAbsolute } from 'node:path';
import { CastoffError } from '../core/errors';
import { defaultOf, replaceRootDir, resolveModule } from './user-jest';

/**
 * Loads the options of a Jest preset: a package, or a path relative to `rootDir`.
 *
 * @throws CastoffError `CONFIG_INVALID` when the preset cannot be found or loaded.
 * @see jest-config, setupPreset
 */
export function readPreset(preset: string, rootDir: string): Readonly<Record<string, unknown>> {
  const name = replaceRootDir(preset, rootDir);
  const target = name.startsWith('.') || isAbsolute(name) ? name : `${name}/jest-preset`;
  const path = resolveModule(target, rootDir, ['.json', '.js', '.cjs', '.mjs']);
  if (path === undefined) {
    throw new CastoffError(
      'CONFIG_INVALID',
      `withCastoff: preset ${JSON.stringify(preset)}: cannot find ${target} from ${rootDir}; install it, or correct its name`,
    );
  }
  try {
    return { ...defaultOf(require(path) as Readonly<Record<string, unknown>>) };
  } catch (cause) {
    throw new CastoffError(
      'CONFIG_INVALID',
      `withCastoff: preset ${JSON.stringify(preset)}: ${path} cannot be loaded`,
      { cause },
    );
  }
}
