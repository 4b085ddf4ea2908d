import { createHash } from 'node:crypto';
import { processWide } from '../core/global-state';
import { CastoffError } from '../core/errors';
import type { CastoffConfig } from './castoff-config';
import { hookFileCount, numberedHook, ownModules } from './own-modules';
import { resolveModule } from './user-jest';

const takenNumbers = (): Map<number, string> => processWide('jest hook files', () => new Map());

/**
 * Returns the files of castoff that Jest runs as hooks of a config with these own hooks. Jest runs each path
 * once, with the first config that names it: so each different pair of own hooks gets a pair of files.
 *
 * @throws CastoffError `CONFIG_INVALID` when the configs of this process have too many different hooks.
 */
export function hookFiles(
  { globalSetup, globalTeardown }: Pick<CastoffConfig, 'globalSetup' | 'globalTeardown'>,
  rootDir: string,
): { readonly globalSetup: string; readonly globalTeardown: string } {
  if (globalSetup === undefined && globalTeardown === undefined) {
    return { globalSetup: ownModules.globalSetup, globalTeardown: ownModules.globalTeardown };
  }
  const number = numberOf(
    JSON.stringify([identify(globalSetup, rootDir), identify(globalTeardown, rootDir)]),
  );
  return {
    globalSetup: numberedHook('globalSetup', number),
    globalTeardown: numberedHook('globalTeardown', number),
  };
}

/** Returns a key for a hook, which is the same for all configs that name the same file. */
export function identify(hook: string | undefined, rootDir: string): string {
  if (hook === undefined) return '';
  return resolveModule(hook, rootDir) ?? `${rootDir}\n${hook}`;
}

// Derived from the hooks' paths: one that differs between runs would change the key of Jest's cache.
function numberOf(key: string): number {
  const taken = takenNumbers();
  const start = createHash('sha256').update(key).digest().readUInt32BE() % hookFileCount;
  for (let step = 0; step < hookFileCount; step += 1) {
    const number = (start + step) % hookFileCount;
    const owner = taken.get(number) ?? key;
    if (owner !== key) continue;
    taken.set(number, key);
    return number;
  }
  throw new CastoffError(
    'CONFIG_INVALID',
    `withCastoff: more than ${hookFileCount} projects have their own globalSetup or globalTeardown; let projects share these files`,
  );
}
