import { assertSameOptions, readCastoffConfig } from './castoff-config';
import { instrumentEnvironment, type JestEnvironment } from './mix-in';
import { assertOwnHooks } from './replaced-error';
import { resolveEnvironment } from './resolve-environment';

/** What Jest gives an environment to know its project by; a part of it. */
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
 * Jest's `testEnvironment`: the one that the project has otherwise, `node` if it says nothing, with castoff mixed in.
 *
 * @throws CastoffError `CONFIG_INVALID` when there is no such environment, or when the run was set up with another config.
 */
// oxlint-disable-next-line typescript/no-extraneous-class -- Jest calls it with `new`
export default class TestEnvironment {
  constructor(config: EnvironmentConfig, context: { readonly testPath: string }) {
    const { rootDir, testEnvironmentOptions } = config.projectConfig;
    const castoffConfig = readCastoffConfig(testEnvironmentOptions);
    assertOwnHooks(config.projectConfig);
    assertSameOptions(castoffConfig, process.env);
    const { environment = 'node' } = castoffConfig;
    const Base = loadClass(environment, rootDir);
    // Environments hand these options on: to a window, or as globals.
    const { castoff: _, ...options } = testEnvironmentOptions;
    const own = { ...config, projectConfig: { ...config.projectConfig, testEnvironmentOptions: options } };
    const made = new Base(own, context);
    instrumentEnvironment(made, context.testPath, rootDir);
    return made;
  }
}

const loadedFor = new Map<string, EnvironmentClass>();

function loadClass(name: string, rootDir: string): EnvironmentClass {
  const key = `${rootDir}\n${name}`;
  const known = loadedFor.get(key);
  if (known !== undefined) return known;
  const loaded = require(resolveEnvironment(name, rootDir)) as
    EnvironmentClass | { readonly default: EnvironmentClass };
  const found = 'default' in loaded ? loaded.default : loaded;
  loadedFor.set(key, found);
  return found;
}
