import { parseBounds } from '../core/bounds';
import { reportOrder } from '../core/kinds';
import { entryOrigins, entryStates, type EntryOwner, type RegistryEntry } from './entry';

/** Returns the value of a field, parsed from JSON; `undefined` when it is absent or invalid. */
type ParseField<T> = (value: unknown) => T | undefined;
type ParseFields<T> = { readonly [Name in keyof T]-?: ParseField<T[Name]> };

const ownerFields: ParseFields<EntryOwner> = { scope: parseText, test: parseText, source: parseText };

const fields: ParseFields<RegistryEntry> = {
  key: parseText,
  kind: oneOf(reportOrder),
  id: parseText,
  name: parseText,
  image: parseText,
  engine: parseText,
  owner: (value) => parseFields(ownerFields, ['scope'], value),
  origin: oneOf(entryOrigins),
  registeredAt: parseDate,
  state: oneOf(entryStates),
  since: parseDate,
  identity: parseText,
  // Bounds that cannot be parsed cover nothing.
  bounds: (value) => (value === undefined ? undefined : (parseBounds(value) ?? { only: [] })),
  outcome: parseText,
  leakedAt: parseDate,
  floating: parseText,
  died: parseText,
  failure: parseText,
};

/**
 * Returns the registry entry that `value`, parsed from JSON, represents; `undefined` when it is not one. Lines
 * of a journal and messages between the processes of a run carry entries as JSON.
 */
export function parseEntry(value: unknown): RegistryEntry | undefined {
  const required = ['key', 'kind', 'owner', 'origin', 'registeredAt', 'state', 'since'] as const;
  return parseFields(fields, required, value);
}

function parseFields<T>(
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

function oneOf<T extends string>(values: readonly T[]): ParseField<T> {
  return (value) => values.find((one) => one === value);
}

function parseText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function parseDate(value: unknown): Date | undefined {
  const date = new Date(typeof value === 'string' ? value : Number.NaN);
  return Number.isNaN(date.getTime()) ? undefined : date;
}
