import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { CastoffError } from '../core/errors';
import { resolveModule } from './resolve-module';

/** The part of Jest's global config that castoff reads. */
export interface GlobalConfig {
  readonly rootDir: string;
  readonly globalSetup?: string | null | undefined;
  readonly globalTeardown?: string | null | undefined;
  /** Paths, or inline configs. */
  readonly projects?: readonly unknown[] | undefined;
  readonly watch?: boolean | undefined;
  readonly watchAll?: boolean | undefined;
  readonly json?: boolean | undefined;
  readonly silent?: boolean | null | undefined;
  readonly outputFile?: string | undefined;
  readonly testResultsProcessor?: string | null | undefined;
}

/** The part of a project's config that castoff reads. */
export interface ProjectConfig {
  readonly rootDir: string;
  readonly displayName?: { readonly name: string } | undefined;
  readonly testEnvironment?: string | undefined;
  readonly testEnvironmentOptions: Readonly<Record<string, unknown>>;
  readonly runner?: string | undefined;
  readonly testRunner?: string | undefined;
  readonly globalSetup?: string | null | undefined;
  readonly globalTeardown?: string | null | undefined;
  readonly setupFilesAfterEnv?: readonly string[] | undefined;
  readonly moduleFileExtensions?: readonly string[] | undefined;
}

/** A user's `globalSetup` or `globalTeardown`. */
export type GlobalHook = (globalConfig: unknown, projectConfig: unknown) => unknown;

/**
 * Loads the function that a user's `globalSetup` or `globalTeardown` exports. Jest's transform applies,
 * because Jest hooks `require` while it runs castoff's own hook.
 *
 * @param name - A package or a path, relative to `rootDir`.
 * @throws CastoffError `CONFIG_INVALID` when the file cannot be found or exports no function; errors of the
 * file itself.
 */
export async function loadGlobalHook(
  option: 'globalSetup' | 'globalTeardown',
  name: string,
  {
    rootDir,
    moduleFileExtensions = [],
  }: { rootDir: string; moduleFileExtensions?: readonly string[] | undefined },
): Promise<GlobalHook> {
  const extensions = moduleFileExtensions.map((extension) => `.${extension}`);
  const path = resolveModule(name, rootDir, extensions);
  if (path === undefined) {
    throw new CastoffError(
      'CONFIG_INVALID',
      `${option}: cannot find ${name} from ${rootDir}; check its path`,
    );
  }
  const loaded = await requireOrImport(path);
  const hook = typeof loaded === 'object' && loaded !== null && 'default' in loaded ? loaded.default : loaded;
  if (typeof hook !== 'function') {
    throw new CastoffError('CONFIG_INVALID', `${option}: ${path} exports ${typeof hook}; export a function`);
  }
  return hook as GlobalHook;
}

// oxlint-disable-next-line typescript/no-implied-eval -- the build replaces each `import()` by a `require`
const importModule = new Function('url', 'return import(url)') as (url: string) => Promise<unknown>;

async function requireOrImport(path: string): Promise<unknown> {
  try {
    return createRequire(path)(path);
  } catch (error) {
    // An ES module with a top-level await cannot be required.
    const isAsyncModule =
      typeof error === 'object' &&
      error !== null &&
      'code' in error &&
      error.code === 'ERR_REQUIRE_ASYNC_MODULE';
    if (!isAsyncModule) throw error;
    return importModule(pathToFileURL(path).href);
  }
}
