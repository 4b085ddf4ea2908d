import { maxTimerMs } from '../core/durations';
import { CastoffError } from '../core/errors';
import { readVariable, type Environment, type VariableName } from '../core/environment';
import { checkIgnore } from '../verdict/ignore';
import type { RunSettings } from '../session/run-client';

/** The options of castoff in a test runner. Explicit option > environment variable > default. */
export interface CastoffOptions {
  /** Effect of a leak: `fail` the run, `warn`, or `off`. Default `fail`. Variable CASTOFF_LEAKS. */
  readonly leaks?: RunSettings['leaks'] | undefined;
  /**
   * Effect of a handle that outlives its test file, such as a timer, socket, server or child process: `report`
   * it, `fail` the run, or `off`. Default `report`. Variable CASTOFF_HANDLES.
   */
  readonly handles?: RunSettings['handles'] | undefined;
  /**
   * What happens when the process has not exited some time after the run: `report` prints what holds it;
   * `force` also exits. Default `report`. Variable CASTOFF_EXIT.
   */
  readonly exit?: RunSettings['exit'] | undefined;
  /**
   * That time, in milliseconds after the global teardown. Default 2 000. Variable CASTOFF_EXIT_DELAY_MS.
   */
  readonly exitDelayMs?: number | undefined;
  /**
   * Whether each test waits for its removals (`wait`), or only the end of the file does (`background`, the
   * default). Variable CASTOFF_CLEANUP.
   */
  readonly cleanup?: RunSettings['cleanup'] | undefined;
  /** `failed` keeps resources of failed tests for an hour. Default `none`. Variable CASTOFF_KEEP. */
  readonly keep?: RunSettings['keep'] | undefined;
  /** Patterns of resources that are not leaks. Default `[]`. Variable CASTOFF_IGNORE, separated by commas. */
  readonly ignore?: readonly string[] | undefined;
  /** File of the JSON report, relative to the project. Default: none. Variable CASTOFF_REPORT_FILE. */
  readonly reportFile?: string | undefined;
}

interface Option<T> {
  readonly variable: VariableName;
  readonly byDefault: T;
  /** Advice of an error message: `give fail, warn or off`. */
  readonly advice: string;
  readonly isValue: (given: unknown) => given is T;
  readonly fromText: (text: string) => unknown;
}

type Table = { readonly [Key in keyof RunSettings]: Option<RunSettings[Key]> };

const oneOf = <T extends string>(
  variable: VariableName,
  byDefault: T,
  ...others: readonly T[]
): Option<T> => {
  const values = [byDefault, ...others];
  return {
    variable,
    byDefault,
    advice: `give ${values.slice(0, -1).join(', ')} or ${values.at(-1)}`,
    isValue: (given): given is T => values.some((value) => value === given),
    fromText: (text) => text,
  };
};

const isText = (given: unknown): given is string => typeof given === 'string' && given.trim() !== '';

/** Every option with its variable, default and valid values. {@link CastoffOptions} documents the effects. */
export const runOptions: Table = {
  leaks: oneOf('CASTOFF_LEAKS', 'fail', 'warn', 'off'),
  handles: oneOf('CASTOFF_HANDLES', 'report', 'fail', 'off'),
  exit: oneOf('CASTOFF_EXIT', 'report', 'force'),
  exitDelayMs: {
    variable: 'CASTOFF_EXIT_DELAY_MS',
    byDefault: 2_000,
    advice: `give milliseconds from 0 to ${maxTimerMs}`,
    isValue: (given): given is number =>
      Number.isInteger(given) && Number(given) >= 0 && Number(given) <= maxTimerMs,
    fromText: (text) => (/^\d+$/.test(text.trim()) ? Number(text) : text),
  },
  cleanup: oneOf('CASTOFF_CLEANUP', 'background', 'wait'),
  keep: oneOf('CASTOFF_KEEP', 'none', 'failed'),
  ignore: {
    variable: 'CASTOFF_IGNORE',
    byDefault: [],
    advice: 'give a list of non-empty patterns',
    isValue: (given): given is readonly string[] => Array.isArray(given) && given.every(isText),
    fromText: (text) => text.split(',').map((pattern) => pattern.trim()),
  },
  reportFile: {
    variable: 'CASTOFF_REPORT_FILE',
    byDefault: undefined,
    advice: 'give the path of a file',
    isValue: (given): given is string => isText(given),
    fromText: (text) => text,
  },
};

const entries = Object.entries(runOptions) as readonly [keyof RunSettings, Option<unknown>][];

/**
 * Returns valid options.
 *
 * @param receiver - The function that the user gave them to.
 * @throws CastoffError `CONFIG_INVALID`; names the valid ones.
 */
export function checkOptions(given: object, receiver = 'withCastoff'): CastoffOptions {
  for (const [name, value] of Object.entries(given)) {
    const option = entries.find(([known]) => known === name)?.[1];
    if (option === undefined) {
      const known = entries.map(([each]) => each).join(', ');
      throw new CastoffError(
        'CONFIG_INVALID',
        `${receiver}: unknown option ${name}; valid options are ${known}`,
      );
    }
    if (value !== undefined) check(`${receiver}: option ${name}`, option, value);
  }
  return given;
}

/**
 * Resolves the settings of a run: options first, then environment variables, then defaults. An empty variable
 * counts as unset.
 *
 * @throws CastoffError `CONFIG_INVALID` for an invalid variable; names its value and the valid ones.
 */
export function resolveSettings(options: CastoffOptions, environment: Environment): RunSettings {
  const values = entries.map(([name, option]) => {
    if (options[name] !== undefined) return [name, options[name]];
    const text = readVariable(option.variable, environment);
    if (text === undefined) return [name, option.byDefault];
    return [name, check(option.variable, option, option.fromText(text))];
  });
  return Object.fromEntries(values) as RunSettings;
}

function check(what: string, option: Option<unknown>, value: unknown): unknown {
  if (!option.isValue(value)) {
    throw new CastoffError('CONFIG_INVALID', `${what}: got ${JSON.stringify(value)}; ${option.advice}`);
  }
  if (option === runOptions.ignore) checkIgnore(value as readonly string[]);
  return value;
}
