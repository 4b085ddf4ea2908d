import { resolve } from 'node:path';
import { definedOnly } from '../core/defined-only';
import { CastoffError } from '../core/errors';
import { readCastoffConfig, type CastoffConfig } from './castoff-config';
import { folderOfCaller } from './config-folder';
import { hookFiles } from './hook-files';
import { isOwnModule, ownModules, watchedCheck } from './own-modules';
import { readPreset } from './read-preset';
import { replaceRootDir } from './resolve-module';
import { keepRootConfig, rootConfig } from './root-config';
import { checkOptions, type CastoffOptions } from '../runner/options';

/** What is looked at of a Jest config; all else of it is handed on as it is. */
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
 * A Jest config with castoff in it; what `config` has already stays at work. Its `preset` is kept, its `globalSetup` and
 * `globalTeardown` run within castoff's, castoff is mixed into its `testEnvironment`. Of `projects`, those that are objects are
 * wrapped, each with its own environment and hooks; those that are paths have configs of their own, to be wrapped there. Around the
 * root, `options` are those of the whole run.
 *
 * @param config - A config, or a function that resolves to one, as Jest takes it.
 * @param options - What they say goes before environment variables, and these before the defaults.
 * @throws CastoffError `CONFIG_INVALID` for an option that there is not or a value that it cannot have, and for a preset that
 * cannot be found or loaded.
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
  const given = definedOnly(checkOptions(options));
  const folder = folderOfCaller(withCastoff);
  if (typeof config !== 'function') return wrapRoot(config, given, folder);
  return async () => wrapRoot(await config(), given, folder);
}

function wrapRoot(config: JestConfig, options: CastoffOptions, folder: string): JestConfig {
  if (typeof config !== 'object' || config === null || 'then' in config) {
    const what = config !== null && typeof config === 'object' ? 'a promise' : String(config);
    throw new CastoffError(
      'CONFIG_INVALID',
      `withCastoff: got ${what}; give it a Jest config, or a function that makes one`,
    );
  }
  const { projects = [] } = config;
  if (projects.length === 0) return wrapProject(config, options, folder);
  const { before, hooks, rootDir } = compose(config, folder);
  // Wrapped a second time, its hooks are castoff's already.
  const earlier = isOwnModule('globalSetup', config.globalSetup) ? rootConfig() : undefined;
  const root = { ...earlier, ...before, ...hooks, ...options };
  keepRootConfig(root);
  const wrapped = projects.map((project) =>
    // An inline project is relative to the file that it stands in, whatever the root's `rootDir`.
    typeof project === 'string' ? project : wrapInline(project, folder),
  );
  return { ...config, ...hookFiles(root, rootDir), projects: wrapped };
}

/** The options are the root's; hooks are the project's own, where it has any. */
function wrapInline(project: JestConfig, folder: string): JestConfig {
  const { theirs, before, environment, hooks, rootDir } = compose(project, folder);
  const hasHooks = Object.keys(hooks).length > 0;
  return {
    ...project,
    ...(hasHooks ? hookFiles(hooks, rootDir) : {}),
    ...mixed(project, theirs, { ...before, ...hooks, environment }),
  };
}

function wrapProject(config: JestConfig, options: CastoffOptions, folder: string): JestConfig {
  const { theirs, before, environment, hooks, rootDir } = compose(config, folder);
  return {
    ...config,
    ...hookFiles(hooks, rootDir),
    ...mixed(config, theirs, { ...before, ...hooks, environment, ...options }),
  };
}

/** What the user's config, or else its preset, has in the places that castoff takes; `before`: by an earlier `withCastoff`. */
function compose(
  config: JestConfig,
  folder: string,
): {
  theirs: JestConfig;
  before: CastoffConfig;
  environment: string | undefined;
  hooks: Pick<CastoffConfig, 'globalSetup' | 'globalTeardown'>;
  rootDir: string;
} {
  const rootDir = resolve(folder, replaceRootDir(config.rootDir ?? '.', folder));
  const preset: JestConfig = config.preset == null ? {} : readPreset(config.preset, rootDir);
  const theirs: JestConfig = { ...preset, ...definedOnly(config) };
  const before = readCastoffConfig(theirs.testEnvironmentOptions ?? {});
  const keep = (name: 'testEnvironment' | 'globalSetup' | 'globalTeardown'): string | undefined => {
    const value = theirs[name];
    return value == null || isOwnModule(name, value) ? undefined : value;
  };
  const hooks = definedOnly({
    globalSetup: keep('globalSetup') ?? before.globalSetup,
    globalTeardown: keep('globalTeardown') ?? before.globalTeardown,
  });
  return { theirs, before, environment: keep('testEnvironment') ?? before.environment, hooks, rootDir };
}

function mixed(
  config: JestConfig,
  theirs: JestConfig,
  { environment, ...castoff }: CastoffConfig,
): JestConfig {
  const isWithRunner = isCircus(theirs.testRunner);
  // Castoff's runner mixes it in then: a file of the project's own may need Jest's transform, and Jest alone loads it with that.
  const isLeft =
    isWithRunner && environment !== undefined && /^(\.|<rootDir>|\/|[A-Za-z]:)/.test(environment);
  return {
    testEnvironment: isLeft ? environment : ownModules.testEnvironment,
    testEnvironmentOptions: {
      ...theirs.testEnvironmentOptions,
      castoff: definedOnly({ ...castoff, environment: isLeft ? undefined : environment }),
    },
    ...(isWithRunner ? { testRunner: ownModules.testRunner } : withCheck(config)),
  };
}

/** Another runner is left to its work: castoff is in the environment then, alone. */
function isCircus(testRunner: string | undefined): boolean {
  const names: readonly (string | undefined)[] = [undefined, 'circus', 'jest-circus', 'jest-circus/runner'];
  return isOwnModule('testRunner', testRunner) || names.includes(testRunner);
}

/** With another runner, a docblock may name an environment without castoff. Jest adds the preset's files by itself. */
function withCheck({ setupFilesAfterEnv = [] }: JestConfig): JestConfig {
  const others = setupFilesAfterEnv.filter((file) => file !== watchedCheck);
  return { setupFilesAfterEnv: [watchedCheck, ...others] };
}
