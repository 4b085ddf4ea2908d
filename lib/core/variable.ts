import { CastoffError } from './errors';
import { parseDuration, parseGoBool, parseGoDuration } from './go-duration';

/** An environment variable. */
export interface Variable<T> {
  readonly variable: string;
  /** As text. Without a default, the value of an unset variable is `undefined`. */
  readonly byDefault?: string;
  readonly parser: Parser<T>;
  readonly doc: string;
}

/** Parses the text of a variable. */
export interface Parser<T> {
  /** Describes valid text, for errors: `use true or false`. */
  readonly advice: string;
  /** Returns `undefined` for invalid text. */
  readonly parse: (text: string) => T | undefined;
}

/** The values of a table of variables. */
export type ValuesOf<Table extends Readonly<Record<string, Variable<unknown>>>> = {
  readonly [Key in keyof Table]: Table[Key] extends { readonly parser: Parser<infer T> }
    ? T | (Table[Key] extends { readonly byDefault: string } ? never : undefined)
    : never;
};

/**
 * Returns the values of the variables of `table` in `environment`. An empty variable counts as unset.
 *
 * @param nameOf - Returns the name of a variable for errors: of the flag that it was given by. Default: its own.
 * @throws CastoffError `CONFIG_INVALID` naming the variable, its text and valid text.
 */
export function readVariables<Table extends Readonly<Record<string, Variable<unknown>>>>(
  table: Table,
  environment: Readonly<Record<string, string | undefined>>,
  nameOf: (variable: string) => string = (variable) => variable,
): ValuesOf<Table> {
  const entries = Object.entries(table).map(([key, { variable, byDefault, parser }]) => {
    const given = environment[variable];
    const text = given === undefined || given === '' ? byDefault : given;
    if (text === undefined) return [key, undefined];
    const value = parser.parse(text);
    if (value !== undefined) return [key, value];
    throw new CastoffError(
      'CONFIG_INVALID',
      `${nameOf(variable)}: got ${JSON.stringify(text)}; ${parser.advice}`,
    );
  });
  return Object.fromEntries(entries) as ValuesOf<Table>;
}

/** Accepts any text. */
export const anyText: Parser<string> = { advice: '', parse: (text) => text };

/** Parses a Go boolean. */
export const goBool: Parser<boolean> = { advice: 'use true or false', parse: parseGoBool };

const goDurationAdvice = 'use a Go duration, such as 500ms, 10s or 1m0s';

/** Parses a Go duration into milliseconds. */
export const goDuration: Parser<number> = {
  advice: goDurationAdvice,
  parse(text) {
    const ms = parseGoDuration(text);
    return ms === undefined || ms < 0 ? undefined : ms;
  },
};

/** Parses a duration of at least 1 s, which may have days, into milliseconds: `2d`, `10m`. */
export const longDuration: Parser<number> = {
  advice: 'use a duration from 1s, such as 10m, 12h or 2d',
  parse(text) {
    const ms = parseDuration(text);
    return ms === undefined || ms < 1_000 ? undefined : ms;
  },
};

/** Parses a Go duration into milliseconds; negative ones, too. */
export const goOffset: Parser<number> = {
  advice: `${goDurationAdvice}; a negative one is in the past`,
  parse: parseGoDuration,
};

/** Returns a parser of whole numbers within a range. */
export function wholeNumber(min: number, max: number): Parser<number> {
  return {
    advice: `use a whole number from ${min} to ${max}`,
    parse: (text) =>
      /^\d{1,15}$/.test(text) && Number(text) >= min && Number(text) <= max ? Number(text) : undefined,
  };
}
