import { resolve } from 'node:path';
import { definedOnly } from '../core/defined-only';
import { CastoffError } from '../core/errors';
import { readCastoffConfig, type CastoffConfig } from './castoff-config';
import { folderOfCaller } from './config-folder';
import { ownModules } from './own-modules';
import { readPreset } from './read-preset';
import { replaceRootDir } from './resolve-module';
import { keepRootConfig } from './root-config';
import { checkOptions, type CastoffOptions } from './settings';

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
}

/**
 * A Jest config with castoff in it; what `config` has already stays at work. Its `preset` is kept, its `globalSetup` and
 * `globalTeardown` run within castoff's, castoff is mixed into its `testEnvironment`. Of `projects`, those that are objects are
 * wrapped, each with its own environment; those that are paths have configs of their own, which take `preset: 'castoff'`. What
 * `globalSetup` a project has for itself stays beside castoff's.
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
  const { before, hooks } = compose(config, folder);
  keepRootConfig({ ...before, ...hooks, ...options });
  const { globalSetup, globalTeardown } = ownModules;
  const wrapped = projects.map((project) =>
    // An inline project is relative to the file that it stands in, whatever the root's `rootDir`.
    typeof project === 'string' ? project : wrapInline(project, folder),
  );
  return { ...config, globalSetup, globalTeardown, projects: wrapped };
}

/** The run's hooks and options are the root's; its own hooks stay where Jest runs them. */
function wrapInline(project: JestConfig, folder: string): JestConfig {
  const { theirs, before, environment } = compose(project, folder);
  return { ...project, ...mixed(theirs, { ...before, environment }) };
}

function wrapProject(config: JestConfig, options: CastoffOptions, folder: string): JestConfig {
  const { theirs, before, environment, hooks } = compose(config, folder);
  const { globalSetup, globalTeardown } = ownModules;
  return {
    ...config,
    globalSetup,
    globalTeardown,
    ...mixed(theirs, { ...before, ...hooks, environment, ...options }),
  };
}

/** What the user's config, or else its preset, has in the places that castoff takes; `before`: by an earlier `withCastoff`. */
function compose(
  config: JestConfig,
  folder: string,
): { theirs: JestConfig; before: CastoffConfig; environment: string | undefined; hooks: CastoffConfig } {
  const rootDir = resolve(folder, replaceRootDir(config.rootDir ?? '.', folder));
  const preset: JestConfig = config.preset == null ? {} : readPreset(config.preset, rootDir);
  const theirs: JestConfig = { ...preset, ...definedOnly(config) };
  const before = readCastoffConfig(theirs.testEnvironmentOptions ?? {});
  const keep = (name: 'testEnvironment' | 'globalSetup' | 'globalTeardown'): string | undefined => {
    const value = theirs[name];
    return value == null || value === ownModules[name] ? undefined : value;
  };
  const hooks = definedOnly({ globalSetup: keep('globalSetup'), globalTeardown: keep('globalTeardown') });
  return { theirs, before, environment: keep('testEnvironment') ?? before.environment, hooks };
}

function mixed(theirs: JestConfig, { environment, ...castoff }: CastoffConfig): JestConfig {
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
    ...(isWithRunner ? { testRunner: ownModules.testRunner } : {}),
  };
}

/** Another runner is left to its work: castoff is in the environment then, alone. */
function isCircus(testRunner: string | undefined): boolean {
  const names: readonly (string | undefined)[] = [undefined, 'circus', 'jest-circus', 'jest-circus/runner'];
  return testRunner === ownModules.testRunner || names.includes(testRunner);
}
