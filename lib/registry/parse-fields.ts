/** Returns the value of a field, parsed from JSON; `undefined` when it is absent or invalid. */
export type ParseField<T> = (value: unknown) => T | undefined;
/** How each field of `T` is parsed. */
export type ParseFields<T> = { readonly [Name in keyof T]-?: ParseField<T[Name]> };

/** Returns the fields of `value` that `table` can parse; `undefined` when a required one is missing. */
export function parseByTable<T>(
  table: ParseFields<T>,
  required: readonly (keyof T & string)[],
  value: unknown,
): T | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const given = value as Readonly<Record<string, unknown>>;
  const parsed = Object.entries<ParseField<unknown>>(table)
    .map(([name, parse]) => [name, parse(given[name])] as const)
    .filter(([, one]) => one !== undefined);
  const known = new Set(parsed.map(([name]) => name));
  return required.every((name) => known.has(name)) ? (Object.fromEntries(parsed) as T) : undefined;
}

/** Returns a parser that accepts only these values. */
export function oneOf<T extends string>(values: readonly T[]): ParseField<T> {
  return (value) => values.find((one) => one === value);
}

/** Returns `value` when it is a string. */
export function parseText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** Returns the date that `value` represents. */
export function parseDate(value: unknown): Date | undefined {
  const date = new Date(typeof value === 'string' ? value : Number.NaN);
  return Number.isNaN(date.getTime()) ? undefined : date;
}
