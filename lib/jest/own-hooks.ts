import { AsyncLocalStorage } from 'node:async_hooks';
import { CastoffError } from '../core/errors';
import { processWide } from '../core/global-state';
import { currentContext } from '../runner/current-context';
import { readCastoffConfig, type CastoffConfig } from './castoff-config';
import { identify } from './hook-files';
import { rootConfig } from './run-config';
import { loadFromJest, resolveModule, type GlobalConfig, type ProjectConfig } from './user-jest';

interface CalledHook {
  readonly globalConfig: GlobalConfig;
  readonly projectConfig: ProjectConfig;
  /** The user's hooks that have run. */
  readonly ownHooks: Set<string>;
}

/**
 * Runs the user's hook that belongs to castoff's hook at `path`. It runs once per run, even if several
 * configs name it. Everything that it creates, then or later, belongs to the run.
 *
 * @throws CastoffError `CONFIG_INVALID` when it cannot be loaded; errors of the hook itself.
 */
export async function runOwnHook(
  option: 'globalSetup' | 'globalTeardown',
  path: string,
  { globalConfig, projectConfig, ownHooks: hasRun }: CalledHook,
): Promise<void> {
  const { config, rootDir } = configAt(option, path, globalConfig, projectConfig);
  const name = config[option];
  const identity = `${option} ${identify(name, rootDir)}`;
  if (name === undefined || hasRun.has(identity)) return;
  hasRun.add(identity);
  const own = ownHooks();
  own.running += 1;
  try {
    await own.storage.run(true, async () => {
      const hook = await loadHook(option, name, rootDir);
      await hook(globalConfig, projectConfig);
    });
  } finally {
    own.running -= 1;
  }
}

/** Whether the caller is a hook that Jest runs without castoff, whose teardown may follow the run's end. */
export function isOutsideHook(): boolean {
  const { storage, running } = ownHooks();
  return running === 0 && storage.getStore() === undefined && currentContext() === undefined;
}

/** Returns whether a user's hook that castoff runs has started the calling code. */
export function isOfOwnHook(): boolean {
  return ownHooks().storage.getStore() === true;
}

interface OwnHooks {
  readonly storage: AsyncLocalStorage<true>;
  running: number;
}

const ownHooks = (): OwnHooks =>
  processWide('jest own hooks', () => ({ storage: new AsyncLocalStorage<true>(), running: 0 }));

/** Returns the config of the hook at `path`. Jest passes the root's hook the config of the first project. */
function configAt(
  option: 'globalSetup' | 'globalTeardown',
  path: string,
  globalConfig: GlobalConfig,
  projectConfig: ProjectConfig,
): { readonly config: CastoffConfig; readonly rootDir: string } {
  return projectConfig[option] === path
    ? { config: readCastoffConfig(projectConfig.testEnvironmentOptions), rootDir: projectConfig.rootDir }
    : { config: rootConfig() ?? {}, rootDir: globalConfig.rootDir };
}

type Hook = (globalConfig: GlobalConfig, projectConfig: ProjectConfig) => unknown;

/** Jest's transform applies, because Jest hooks `require` while it runs castoff's own hook. */
async function loadHook(
  option: 'globalSetup' | 'globalTeardown',
  name: string,
  rootDir: string,
): Promise<Hook> {
  const path = resolveModule(name, rootDir);
  if (path === undefined) {
    throw new CastoffError(
      'CONFIG_INVALID',
      `${option}: cannot find ${name} from ${rootDir}; check its path`,
    );
  }
  const { keepSourceMaps } = await import('../core/source-maps.ts');
  const hook = await keepSourceMaps(() => loadFromJest('jest-util', rootDir).requireOrImportModule(path));
  if (typeof hook !== 'function') {
    throw new CastoffError('CONFIG_INVALID', `${option}: ${path} exports ${typeof hook}; export a function`);
  }
  return hook as Hook;
}
