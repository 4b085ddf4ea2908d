import { CastoffError } from '../core/errors';
import { matchesGlob } from '../core/glob';
import { labelNames, type Labels } from '../core/labels';

/** A resource, as `--filter` and `--exclude` see it. */
export interface FilteredResource {
  readonly kind: string;
  readonly id: string;
  readonly name: string;
  readonly session: string;
  readonly owner?: string | undefined;
  readonly labels: Labels;
  /** Of its session: `alive`, `dead` or `unknown`. */
  readonly state?: string | undefined;
}

/** The keys of a filter, and the values of a resource that its pattern is compared with. */
const keys = {
  session: ({ session }) => [session],
  kind: ({ kind }) => [kind],
  name: ({ name, id }) => [name, id],
  owner: ({ owner = '' }) => [owner, owner.replace(/ pid \d+$/, '')],
  test: ({ labels }) => [labels[labelNames.test]],
  source: ({ labels }) => [labels[labelNames.source], labels[labelNames.source]?.replace(/:\d+$/, '')],
  label: ({ labels }) => Object.entries(labels).flatMap(([key, value]) => [key, `${key}=${value}`]),
  state: ({ state }) => [state],
} as const satisfies Readonly<
  Record<string, (resource: FilteredResource) => readonly (string | undefined)[]>
>;

/** A key of a filter. */
export type FilterKey = keyof typeof keys;

/** The keys that `castoff sweep` has; a sweep decides by the state itself. */
export const sweepKeys: readonly FilterKey[] = [
  'session',
  'kind',
  'name',
  'owner',
  'test',
  'source',
  'label',
];

/** The keys that `castoff ls` has. */
export const listKeys: readonly FilterKey[] = [...sweepKeys, 'state'];

/** The filters of one command line, each as `key=pattern`. */
interface FilterFlags {
  readonly filter?: readonly string[] | undefined;
  readonly exclude?: readonly string[] | undefined;
  readonly session?: readonly string[] | undefined;
}

/**
 * Returns whether a resource is selected: by at least one pattern of each key in `filter`, as `docker` does, and
 * by no pattern in `exclude`. `undefined` when there are no filters.
 *
 * @param known - The keys that the command has.
 * @throws CastoffError `CONFIG_INVALID` for an unknown key, or a pattern without `=`.
 */
export function parseFilters(
  { filter = [], exclude = [], session = [] }: FilterFlags,
  known: readonly FilterKey[],
): ((resource: FilteredResource) => boolean) | undefined {
  const wanted = [
    ...filter.map((text) => parsePattern('--filter', text, known)),
    ...session.map((id): Pattern => ({ key: 'session', glob: id })),
  ];
  const unwanted = exclude.map((text) => parsePattern('--exclude', text, known));
  if (wanted.length + unwanted.length === 0) return undefined;
  const byKey = [...Map.groupBy(wanted, ({ key }) => key).values()];
  return (resource) =>
    byKey.every((patterns) => patterns.some((pattern) => matches(pattern, resource))) &&
    !unwanted.some((pattern) => matches(pattern, resource));
}

interface Pattern {
  readonly key: FilterKey;
  readonly glob: string;
}

function parsePattern(flag: string, text: string, known: readonly FilterKey[]): Pattern {
  const at = text.indexOf('=');
  const key = known.find((one) => one === text.slice(0, at));
  const glob = text.slice(at + 1);
  if (at > 0 && key !== undefined && glob !== '') return { key, glob };
  const expected = `give ${known.map((one) => `${one}=…`).join(', ')}, with * as a wildcard`;
  throw new CastoffError('CONFIG_INVALID', `${flag}: got ${JSON.stringify(text)}; ${expected}`);
}

function matches({ key, glob }: Pattern, resource: FilteredResource): boolean {
  return keys[key](resource).some((value) => value !== undefined && matchesGlob(glob, value));
}
