// All that castoff reads of the configs and packages of the user's Jest, 29 or 30, apart from jest-circus.
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { CastoffError } from '../core/errors';

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
}

/** A test runner: jest-circus. */
export type TestRunner<Environment> = (
  globalConfig: unknown,
  projectConfig: ProjectConfig,
  environment: Environment,
  runtime: unknown,
  testPath: string,
  ...rest: unknown[]
) => Promise<unknown>;

interface JestPackages {
  readonly 'jest-circus/runner': TestRunner<unknown> | { readonly default: TestRunner<unknown> };
  readonly 'jest-config': {
    readonly readConfig: (
      argv: object,
      pathOrConfig: unknown,
      skipArgvConfig: boolean,
      parentFolder: string,
      index: number,
      skipMultipleConfigError: boolean,
    ) => Promise<{ readonly projectConfig: ProjectConfig }>;
  };
  readonly 'jest-resolve': {
    readonly default: {
      findNodeModule(
        path: string,
        options: { readonly basedir: string; readonly extensions: readonly string[] },
      ): string | null;
    };
    readonly resolveTestEnvironment: (options: {
      readonly rootDir: string;
      readonly testEnvironment: string;
      readonly requireResolveFunction: (request: string) => string;
    }) => string;
  };
  readonly 'jest-util': { readonly requireOrImportModule: (path: string) => Promise<unknown> };
}

const paths = new Map<string, string>();

/** Loads a package of the Jest that runs the project. @throws CastoffError `CONFIG_INVALID` without it */
export function loadFromJest<Name extends keyof JestPackages>(
  name: Name,
  rootDir: string,
): JestPackages[Name] {
  const key = `${rootDir}\n${name}`;
  const known = paths.get(key);
  if (known !== undefined) return require(known) as JestPackages[Name];
  for (const start of [join(rootDir, 'package.json'), __filename]) {
    const path = tryResolve(requireOfJest(start), name);
    if (path === undefined) continue;
    paths.set(key, path);
    return require(path) as JestPackages[Name];
  }
  throw new CastoffError('CONFIG_INVALID', `${name}: cannot find it from ${rootDir}; install jest there`);
}

/** Resolves a `testEnvironment` to a path, as Jest does. @throws CastoffError `CONFIG_INVALID` without it */
export function resolveEnvironment(testEnvironment: string, rootDir: string): string {
  const { resolveTestEnvironment } = loadFromJest('jest-resolve', rootDir);
  const requireResolveFunction = requireOfJest(join(rootDir, 'package.json')).resolve;
  try {
    return resolveTestEnvironment({ rootDir, testEnvironment, requireResolveFunction });
  } catch (cause) {
    throw new CastoffError(
      'CONFIG_INVALID',
      `testEnvironment ${JSON.stringify(testEnvironment)}: cannot find jest-environment-${testEnvironment} or ${testEnvironment} from ${rootDir}; install it`,
      { cause },
    );
  }
}

const moduleExtensions = '.js .mjs .cjs .jsx .ts .mts .cts .tsx .json .node'.split(' ');

/**
 * Resolves the module that an option of Jest names to an absolute path, as Jest does, if it can be found.
 *
 * @param name - A package, or a path relative to `rootDir`.
 * @param extensions - Extensions to try, with their dot. Default: those of Jest's `moduleFileExtensions`.
 */
export function resolveModule(
  name: string,
  rootDir: string,
  extensions: readonly string[] = moduleExtensions,
): string | undefined {
  const { default: resolver } = loadFromJest('jest-resolve', rootDir);
  return (
    resolver.findNodeModule(replaceRootDir(name, rootDir), { basedir: rootDir, extensions }) ?? undefined
  );
}

/** Returns the default export of a module that may have been an ES module. */
export function defaultOf<T>(exported: T | { readonly default: T }): T {
  return typeof exported === 'object' && exported !== null && 'default' in exported
    ? exported.default
    : exported;
}

/** Replaces the `<rootDir>` that a path of Jest's options may start with. */
export function replaceRootDir(path: string, rootDir: string): string {
  return path.startsWith('<rootDir>') ? resolve(rootDir, `.${path.slice('<rootDir>'.length)}`) : path;
}

/** Returns the `require` of jest-config, or the last package found before: installers may not hoist them. */
function requireOfJest(start: string): NodeJS.Require {
  return ['jest', 'jest-cli', 'jest-config'].reduce((from, name) => {
    const path = tryResolve(from, `${name}/package.json`);
    return path === undefined ? from : createRequire(path);
  }, createRequire(start));
}

function tryResolve(from: NodeJS.Require, request: string): string | undefined {
  try {
    return from.resolve(request);
  } catch {
    // MODULE_NOT_FOUND, ERR_PACKAGE_PATH_NOT_EXPORTED
    return undefined;
  }
}
