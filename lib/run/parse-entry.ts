import { parseBounds } from '../core/bounds';
import type { EntryOrigin, EntryState, RegistryEntry } from '../registry/entry';
import type { ResourceKind } from '../resources/kind';

const kinds: Readonly<Record<ResourceKind, true>> = {
  'compose-project': true,
  container: true,
  image: true,
  network: true,
  volume: true,
};
const origins: Readonly<Record<EntryOrigin, true>> = { raw: true, scope: true };
const states: Readonly<Record<EntryState, true>> = {
  registered: true,
  present: true,
  cleaning: true,
  gone: true,
  left: true,
  unknown: true,
  kept: true,
};
const optionalTexts = [
  'id',
  'name',
  'image',
  'engine',
  'identity',
  'outcome',
  'floating',
  'died',
  'failure',
] as const;

/** Returns the registry entry that `value`, parsed from JSON, represents; `undefined` when it is not one. */
export function parseEntry(value: unknown): RegistryEntry | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const line = value as Readonly<Record<string, unknown>>;
  const { key, kind, origin, state, owner } = line;
  const registeredAt = parseDate(line['registeredAt']);
  const since = parseDate(line['since']);
  if (typeof key !== 'string' || !isOneOf(kinds, kind) || !isOneOf(origins, origin)) return undefined;
  if (!isOneOf(states, state) || registeredAt === undefined || since === undefined) return undefined;
  if (typeof owner !== 'object' || owner === null) return undefined;
  const { scope, test, source } = owner as Readonly<Record<string, unknown>>;
  if (typeof scope !== 'string') return undefined;
  const texts = optionalTexts.map((name) => [name, textOf(line[name])] as const);
  return {
    ...Object.fromEntries(texts.filter(([, text]) => text !== undefined)),
    key,
    kind,
    origin,
    state,
    owner: { scope, test: textOf(test), source: textOf(source) },
    registeredAt,
    since,
    // Bounds that cannot be parsed cover nothing.
    bounds: line['bounds'] === undefined ? undefined : (parseBounds(line['bounds']) ?? { only: [] }),
    leakedAt: parseDate(line['leakedAt']),
  };
}

function isOneOf<T extends string>(table: Readonly<Record<T, true>>, value: unknown): value is T {
  return typeof value === 'string' && Object.hasOwn(table, value);
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function parseDate(value: unknown): Date | undefined {
  if (typeof value !== 'string') return undefined;
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? undefined : date;
}
