import { createRequire } from 'node:module';
import { isAbsolute } from 'node:path';
import { CastoffError } from '../core/errors';
import { replaceRootDir, resolveModule } from './resolve-module';

/**
 * The options that a `preset` brings, found as Jest finds it.
 *
 * @throws CastoffError `CONFIG_INVALID` when there is none, or when it cannot be loaded.
 * @see jest-config, setupPreset
 */
export function readPreset(preset: string, rootDir: string): Readonly<Record<string, unknown>> {
  const name = replaceRootDir(preset, rootDir);
  const target = name.startsWith('.') || isAbsolute(name) ? name : `${name}/jest-preset`;
  const path = resolveModule(target, rootDir, ['.json', '.js', '.cjs', '.mjs']);
  if (path === undefined) {
    throw new CastoffError(
      'CONFIG_INVALID',
      `withCastoff: preset ${JSON.stringify(preset)}: there is no ${target} to be found from ${rootDir}; install it, or mend the name`,
    );
  }
  try {
    const loaded = createRequire(path)(path) as object;
    return { ...('default' in loaded && typeof loaded.default === 'object' ? loaded.default : loaded) };
  } catch (cause) {
    throw new CastoffError(
      'CONFIG_INVALID',
      `withCastoff: preset ${JSON.stringify(preset)}: ${path} does not load`,
      {
        cause,
      },
    );
  }
}
