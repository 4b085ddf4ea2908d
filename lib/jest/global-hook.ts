import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { CastoffError } from '../core/errors';
import { resolveModule } from './resolve-module';

/** What of Jest's configs is read here; all of it goes on to the user's function. */
export interface GlobalConfig {
  readonly rootDir: string;
  readonly globalSetup?: string | null | undefined;
  readonly globalTeardown?: string | null | undefined;
  /** Paths, and configs as objects. */
  readonly projects?: readonly unknown[] | undefined;
  readonly watch?: boolean | undefined;
  readonly watchAll?: boolean | undefined;
  readonly json?: boolean | undefined;
  readonly outputFile?: string | undefined;
  readonly testResultsProcessor?: string | null | undefined;
}

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

export type GlobalHook = (globalConfig: unknown, projectConfig: unknown) => unknown;

/**
 * The function that the user's `globalSetup` or `globalTeardown` exports, loaded as Jest loads it: while Jest runs castoff's own, its
 * transform is in `require`.
 *
 * @throws CastoffError `CONFIG_INVALID` when there is no such file, or no function in it; what the file itself throws.
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
    throw new CastoffError('CONFIG_INVALID', `${option}: there is no ${name} to be found from ${rootDir}`);
  }
  const loaded = await requireOrImport(path);
  const hook = typeof loaded === 'object' && loaded !== null && 'default' in loaded ? loaded.default : loaded;
  if (typeof hook !== 'function') {
    throw new CastoffError('CONFIG_INVALID', `${option}: ${path} exports ${typeof hook}; export a function`);
  }
  return hook as GlobalHook;
}

// oxlint-disable-next-line typescript/no-implied-eval -- the build makes a `require` of each `import()` that it sees
const importModule = new Function('url', 'return import(url)') as (url: string) => Promise<unknown>;

async function requireOrImport(path: string): Promise<unknown> {
  try {
    return createRequire(path)(path);
  } catch (error) {
    // An ES module that awaits at its top cannot be required.
    const isAsyncModule =
      typeof error === 'object' &&
      error !== null &&
      'code' in error &&
      error.code === 'ERR_REQUIRE_ASYNC_MODULE';
    if (!isAsyncModule) throw error;
    return importModule(pathToFileURL(path).href);
  }
}
