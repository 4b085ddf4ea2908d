import { parseBounds } from '../core/bounds';
import { reportOrder } from '../core/kinds';
import { entryOrigins, entryStates, type EntryOwner, type RegistryEntry } from './entry';
import { oneOf, parseDate, parseByTable, parseText, type ParseFields } from './parse-fields';

const ownerFields: ParseFields<EntryOwner> = { scope: parseText, test: parseText, source: parseText };

/** Returns the owner of an entry that `value`, parsed from JSON, represents. */
export function parseEntryOwner(value: unknown): EntryOwner | undefined {
  return parseByTable(ownerFields, ['scope'], value);
}

const fields: ParseFields<RegistryEntry> = {
  key: parseText,
  kind: oneOf(reportOrder),
  id: parseText,
  name: parseText,
  image: parseText,
  engine: parseText,
  owner: parseEntryOwner,
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
  return parseByTable(fields, required, value);
}
