import { createHash } from 'node:crypto';
import { processWide } from '../core/global-state';
import { CastoffError } from '../core/errors';
import { hookFileCount, numberedHook, ownModules } from './own-modules';
import { resolveModule } from './resolve-module';

interface OwnHooks {
  readonly globalSetup?: string | undefined;
  readonly globalTeardown?: string | undefined;
}

const takenNumbers = (): Map<number, string> => processWide('jest hook files', () => new Map());

/**
 * The files of castoff that Jest runs as the hooks of a config whose own hooks are these.
 *
 * Jest runs equal paths once, for the first project that has them. Each pair of own hooks therefore has a pair of files of its own:
 * Jest runs those of the projects that have tests in this run, each with its project's config.
 *
 * @throws CastoffError `CONFIG_INVALID` when the configs of this process have more different hooks than there are files.
 */
export function hookFiles(
  { globalSetup, globalTeardown }: OwnHooks,
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

/** Names a hook alike for all configs that mean the same file. */
export function identify(hook: string | undefined, rootDir: string): string {
  if (hook === undefined) return '';
  return resolveModule(hook, rootDir) ?? `${rootDir}\n${hook}`;
}

// From the hooks' paths, where it is free: a number that changes from run to run would change the key of Jest's transform cache.
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
    `withCastoff: the run has more than ${hookFileCount} projects with hooks of their own; let them share globalSetup and globalTeardown`,
  );
}
