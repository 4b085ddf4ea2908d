import { dirname, resolve } from 'node:path';
import { definedOnly } from '../core/defined-only';
import { CastoffError } from '../core/errors';
import { firstSourceLine } from '../core/source-line';
import { readCastoffConfig, type CastoffConfig } from './castoff-config';
import { hookFiles } from './hook-files';
import { isOwnModule, ownModules, watchedCheck } from './own-modules';
import { readPreset } from './read-preset';
import { keepRootConfig, rootConfig } from './run-config';
import { replaceRootDir } from './user-jest';
import { checkOptions, type CastoffOptions } from '../runner/options';

/** The part of a Jest config that castoff reads. Everything else is passed on unchanged. */
interface JestConfig {
  readonly rootDir?: string;
  readonly preset?: string | null;
  readonly projects?: readonly (string | JestConfig)[];
  readonly globalSetup?: string | null;
  readonly globalTeardown?: string | null;
  readonly testEnvironment?: string;
  readonly testEnvironmentOptions?: Readonly<Record<string, unknown>>;
  readonly testRunner?: string;
  readonly setupFilesAfterEnv?: readonly string[];
}

/**
 * Adds castoff to a Jest config. The config's own `preset` is kept, its `globalSetup` and `globalTeardown`
 * run inside castoff's, and its `testEnvironment` is instrumented. `projects` that are objects are wrapped as
 * well, each with its own environment and hooks; those that are paths have to be wrapped in their own
 * configs. Around a root config, `options` apply to the whole run.
 *
 * Returns the new config, or a function that resolves to it if `config` is a function.
 *
 * @param config - A Jest config, or a function that returns or resolves to one.
 * @param options - Take precedence over environment variables, and these over the defaults.
 * @throws CastoffError `CONFIG_INVALID` for an unknown option, an invalid value, or a preset that cannot be
 * found or loaded.
 */
export function withCastoff<Config extends object>(
  config: () => Config | Promise<Config>,
  options?: CastoffOptions,
): () => Promise<Config>;
export function withCastoff<Config extends object>(config: Config, options?: CastoffOptions): Config;
export function withCastoff(
  config: JestConfig | (() => JestConfig | Promise<JestConfig>),
  options: CastoffOptions = {},
): unknown {
  const definedOptions = definedOnly(checkOptions(options));
  const folder = folderOfCaller(withCastoff);
  if (typeof config !== 'function') return wrapRoot(config, definedOptions, folder);
  return async () => wrapRoot(await config(), definedOptions, folder);
}

/**
 * Returns the folder of the file that calls `callee`, or the working directory if the stack does not have it.
 * Jest does not pass a config its own path, which the config's relative paths depend on.
 */
function folderOfCaller(callee: (...args: never[]) => unknown): string {
  const trace: { stack?: string } = {};
  Error.captureStackTrace(trace, callee);
  const line = firstSourceLine(trace.stack ?? '', process.cwd());
  return line === undefined ? process.cwd() : dirname(resolve(line.replace(/:\d+$/, '')));
}

function wrapRoot(config: JestConfig, options: CastoffOptions, folder: string): JestConfig {
  if (typeof config !== 'object' || config === null || 'then' in config) {
    const received = config !== null && typeof config === 'object' ? 'a promise' : String(config);
    throw new CastoffError(
      'CONFIG_INVALID',
      `withCastoff: got ${received}; give a Jest config, or a function that returns one`,
    );
  }
  const { projects = [] } = config;
  if (projects.length === 0) return wrapProject(config, folder, options);
  const { before, hooks, rootDir } = compose(config, folder);
  // The config was wrapped before: its hooks are castoff's already.
  const earlier = isOwnModule('globalSetup', config.globalSetup) ? rootConfig() : undefined;
  const root = { ...earlier, ...before, ...hooks, ...options };
  keepRootConfig(root);
  const wrapped = projects.map((project) =>
    // An inline project is relative to its config file, not to the root's `rootDir`.
    typeof project === 'string' ? project : wrapProject(project, folder),
  );
  return { ...config, ...hookFiles(root, rootDir), projects: wrapped };
}

/** Wraps the only project, or an inline one: that has no `options`, and no hooks unless it has its own. */
function wrapProject(config: JestConfig, folder: string, options?: CastoffOptions): JestConfig {
  const { merged, before, environment, hooks, rootDir } = compose(config, folder);
  const hasHooks = options !== undefined || Object.keys(hooks).length > 0;
  return {
    ...config,
    ...(hasHooks ? hookFiles(hooks, rootDir) : {}),
    ...castoffFields(config, merged, { ...before, ...hooks, environment, ...options }),
  };
}

/**
 * Reads the values that castoff replaces, from the user's config or else its preset. `merged` is the config
 * with its preset; `before` is the result of an earlier `withCastoff`.
 */
function compose(config: JestConfig, folder: string) {
  const rootDir = resolve(folder, replaceRootDir(config.rootDir ?? '.', folder));
  const preset: JestConfig = config.preset == null ? {} : readPreset(config.preset, rootDir);
  const merged: JestConfig = { ...preset, ...definedOnly(config) };
  const before = readCastoffConfig(merged.testEnvironmentOptions ?? {});
  const ownValue = (name: 'testEnvironment' | 'globalSetup' | 'globalTeardown'): string | undefined => {
    const value = merged[name];
    return value == null || isOwnModule(name, value) ? undefined : value;
  };
  const hooks: Pick<CastoffConfig, 'globalSetup' | 'globalTeardown'> = definedOnly({
    globalSetup: ownValue('globalSetup') ?? before.globalSetup,
    globalTeardown: ownValue('globalTeardown') ?? before.globalTeardown,
  });
  return { merged, before, environment: ownValue('testEnvironment') ?? before.environment, hooks, rootDir };
}

function castoffFields(
  config: JestConfig,
  merged: JestConfig,
  { environment, ...castoff }: CastoffConfig,
): JestConfig {
  const hasRunner = isCircus(merged.testRunner);
  // Jest loads it, as it may need Jest's transform, and castoff's runner instruments it later.
  const isLoadedByJest =
    hasRunner && environment !== undefined && /^(\.|<rootDir>|\/|[A-Za-z]:)/.test(environment);
  return {
    testEnvironment: isLoadedByJest ? environment : ownModules.testEnvironment,
    testEnvironmentOptions: {
      ...merged.testEnvironmentOptions,
      castoff: definedOnly({ ...castoff, environment: isLoadedByJest ? undefined : environment }),
    },
    ...(hasRunner ? { testRunner: ownModules.testRunner } : withCheck(config)),
  };
}

/** Whether a runner is jest-circus. With any other runner, castoff instruments the environment only. */
function isCircus(testRunner: string | undefined): boolean {
  const names: readonly (string | undefined)[] = [undefined, 'circus', 'jest-circus', 'jest-circus/runner'];
  return isOwnModule('testRunner', testRunner) || names.includes(testRunner);
}

/** Adds the check for docblocks with an environment without castoff. Jest adds the preset's setup files. */
function withCheck({ setupFilesAfterEnv = [] }: JestConfig): JestConfig {
  const others = setupFilesAfterEnv.filter((file) => file !== watchedCheck);
  return { setupFilesAfterEnv: [watchedCheck, ...others] };
}
