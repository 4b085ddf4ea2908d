import { assertSameOptions, readCastoffConfig } from './castoff-config';
import { instrumentEnvironment, type JestEnvironment } from './instrument-environment';
import { assertOwnHooks } from './own-modules';
import { defaultOf, resolveEnvironment } from './user-jest';

/** The part of an environment's config that castoff reads. */
export interface EnvironmentConfig {
  readonly projectConfig: {
    readonly rootDir: string;
    readonly testEnvironmentOptions: Readonly<Record<string, unknown>>;
    readonly globalSetup?: string | null | undefined;
    readonly globalTeardown?: string | null | undefined;
  };
}

type EnvironmentClass = new (
  config: EnvironmentConfig,
  context: { readonly testPath: string },
) => JestEnvironment;

/**
 * Jest's `testEnvironment`: the project's own environment, `node` by default, instrumented by castoff.
 *
 * @throws CastoffError `CONFIG_INVALID` when that is not found, or the run was set up with another config.
 */
// oxlint-disable-next-line typescript/no-extraneous-class -- Jest calls it with `new`
export default class TestEnvironment {
  constructor(config: EnvironmentConfig, context: { readonly testPath: string }) {
    const { rootDir, testEnvironmentOptions } = config.projectConfig;
    const castoffConfig = readCastoffConfig(testEnvironmentOptions);
    assertOwnHooks(config.projectConfig);
    assertSameOptions(castoffConfig);
    const Base = loadClass(castoffConfig.environment ?? 'node', rootDir);
    // Environments pass their options on, to a window or as globals.
    const { castoff: _, ...options } = testEnvironmentOptions;
    const baseConfig = {
      ...config,
      projectConfig: { ...config.projectConfig, testEnvironmentOptions: options },
    };
    const environment = new Base(baseConfig, context);
    instrumentEnvironment(environment, context.testPath, rootDir);
    return environment;
  }
}

const loaded = new Map<string, EnvironmentClass>();

function loadClass(name: string, rootDir: string): EnvironmentClass {
  const key = `${rootDir}\n${name}`;
  const known = loaded.get(key);
  if (known !== undefined) return known;
  const exported: unknown = require(resolveEnvironment(name, rootDir));
  const environmentClass = defaultOf(exported as EnvironmentClass | { readonly default: EnvironmentClass });
  loaded.set(key, environmentClass);
  return environmentClass;
}
