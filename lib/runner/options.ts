import { CastoffError } from '../core/errors';
import { checkIgnore } from '../verdict/ignore';
import type { RunSettings } from '../session/run-client';

/** The options of `withCastoff`. Explicit option > environment variable > default. */
export interface CastoffOptions {
  /** What a leak does to the run: `fail` it, `warn` of it, or `off`: nothing. Default `fail`. Variable CASTOFF_LEAKS. */
  readonly leaks?: RunSettings['leaks'] | undefined;
  /**
   * Whether a test waits for the removal of what it had (`wait`), or the file's end does (`background`, the default). Variable
   * CASTOFF_CLEANUP.
   */
  readonly cleanup?: RunSettings['cleanup'] | undefined;
  /** `failed`: a failed test's containers are kept for an hour, to be looked at. Default `none`. Variable CASTOFF_KEEP. */
  readonly keep?: RunSettings['keep'] | undefined;
  /** What is no leak. Default: nothing. Variable CASTOFF_IGNORE, with commas between. */
  readonly ignore?: readonly string[] | undefined;
  /** Where the verdict goes as JSON, from Jest's `rootDir`. Default: nowhere. Variable CASTOFF_REPORT_FILE. */
  readonly reportFile?: string | undefined;
}

interface Option<T> {
  readonly variable: string;
  readonly byDefault: T;
  /** What would be a value, for people. */
  readonly wanted: string;
  readonly isValue: (given: unknown) => given is T;
  readonly fromText: (text: string) => unknown;
}

type Table = { readonly [Key in keyof RunSettings]: Option<RunSettings[Key]> };

const oneOf = <T extends string>(variable: string, byDefault: T, ...others: readonly T[]): Option<T> => {
  const values = [byDefault, ...others];
  return {
    variable,
    byDefault,
    wanted: `give ${values.slice(0, -1).join(', ')} or ${values.at(-1)}`,
    isValue: (given): given is T => values.some((value) => value === given),
    fromText: (text) => text,
  };
};

const isText = (given: unknown): given is string => typeof given === 'string' && given.trim() !== '';

/** Every option of a run: its variable, its default, and what it may be. What each does, `CastoffOptions` says. */
export const runOptions: Table = {
  leaks: oneOf('CASTOFF_LEAKS', 'fail', 'warn', 'off'),
  cleanup: oneOf('CASTOFF_CLEANUP', 'background', 'wait'),
  keep: oneOf('CASTOFF_KEEP', 'none', 'failed'),
  ignore: {
    variable: 'CASTOFF_IGNORE',
    byDefault: [],
    wanted: 'give patterns that are not empty',
    isValue: (given): given is readonly string[] => Array.isArray(given) && given.every(isText),
    fromText: (text) => text.split(',').map((pattern) => pattern.trim()),
  },
  reportFile: {
    variable: 'CASTOFF_REPORT_FILE',
    byDefault: undefined,
    wanted: 'give the path of a file',
    isValue: (given): given is string => isText(given),
    fromText: (text) => text,
  },
};

const entries = Object.entries(runOptions) as readonly [keyof RunSettings, Option<unknown>][];

/**
 * `given`, if it holds nothing but options, each with a value that it may have.
 *
 * @throws CastoffError `CONFIG_INVALID` naming the option, what came, and what is wanted.
 */
export function checkOptions(given: object): CastoffOptions {
  for (const [name, value] of Object.entries(given)) {
    const option = entries.find(([known]) => known === name)?.[1];
    if (option === undefined) {
      const known = entries.map(([each]) => each).join(', ');
      throw new CastoffError(
        'CONFIG_INVALID',
        `withCastoff: no option is called ${name}; there are ${known}`,
      );
    }
    if (value !== undefined) check(`withCastoff: option ${name}`, option, value);
  }
  return given;
}

/**
 * The settings that `options` and `environment` make, with the defaults for what neither has. An empty variable is one not set.
 *
 * @throws CastoffError `CONFIG_INVALID` naming the variable, its value, and what is wanted.
 */
export function resolveSettings(
  options: CastoffOptions,
  environment: Readonly<Record<string, string | undefined>>,
): RunSettings {
  const values = entries.map(([name, option]) => {
    if (options[name] !== undefined) return [name, options[name]];
    const text = environment[option.variable];
    if (text === undefined || text === '') return [name, option.byDefault];
    return [name, check(option.variable, option, option.fromText(text))];
  });
  return Object.fromEntries(values) as RunSettings;
}

function check(what: string, option: Option<unknown>, value: unknown): unknown {
  if (!option.isValue(value)) {
    throw new CastoffError('CONFIG_INVALID', `${what}: got ${JSON.stringify(value)}; ${option.wanted}`);
  }
  if (option === runOptions.ignore) checkIgnore(value as readonly string[]);
  return value;
}
