import { formatDuration } from '../core/durations';
import { removableKinds, resourceKinds } from '../core/kinds';
import { safeForLog } from '../core/safe-text';
import { paint, type Colour } from '../core/text-table';
import type { OwnerProof } from '../processes/owner-proof';
import { plural } from '../core/plural';
import { formatFittedTable, type FittedColumn } from '../verdict/fitted-table';
import type { ResourceRow, SessionRow } from './session-rows';

interface FormatOptions {
  /** The engine's address. */
  readonly engine: string;
  /** Whether the rows are a selection. */
  readonly isFiltered: boolean;
  readonly columns: number | undefined;
}

/** Formats sessions as one table each, with a summary and the command to run next. */
export function formatSessions(
  rows: readonly SessionRow[],
  { engine, isFiltered, columns }: FormatOptions,
): string {
  if (rows.length === 0)
    return `no castoff resources ${isFiltered ? 'match the filter ' : ''}on ${safeForLog(engine)}\n`;
  const hint = hintFor(rows);
  return [
    ...rows.map((row) => formatSession(row, columns)),
    `${summaryOf(rows)} on ${safeForLog(engine)}\n${hint === undefined ? '' : `${hint}\n`}`,
  ].join('\n');
}

const colours: Readonly<Record<OwnerProof['state'], Colour>> = {
  alive: 'green',
  dead: 'red',
  unknown: 'yellow',
};

const table: readonly FittedColumn<ResourceRow>[] = [
  {
    title: 'KIND',
    least: 9,
    text: ({ isReaper, adopts, kind }) => (isReaper ? 'reaper' : adopts === undefined ? kind : 'marker'),
  },
  { title: 'ID', least: 12, text: ({ id }) => id.replace('sha256:', '').slice(0, 12) },
  {
    title: 'NAME',
    least: 8,
    text: ({ name, adopts }) => (adopts === undefined ? name : `has adopted ${adopts}`),
  },
  {
    title: 'AGE',
    least: 9,
    text: ({ ageMs }) => (ageMs === undefined ? '' : formatDuration(Math.max(0, ageMs))),
    isOptional: true,
  },
  { title: 'OWNER', least: 8, text: ({ owner }) => owner ?? '', isOptional: true },
  {
    title: 'STATE',
    least: 7,
    text: ({ state }) => state,
    colour: ({ state }) => colours[state],
    isOptional: true,
  },
  { title: 'SOURCE', least: 8, text: ({ source }) => source ?? '', isOptional: true },
];

function formatSession({ session, state, proof, things }: SessionRow, columns: number | undefined): string {
  const title = `session ${safeForLog(session)}: ${paint({ text: state, colour: colours[state] })}, ${safeForLog(proof)}\n`;
  return title + formatFittedTable(table, things, { columns, maxRows: Number.POSITIVE_INFINITY });
}

function summaryOf(rows: readonly SessionRow[]): string {
  const states = (['alive', 'dead', 'unknown'] as const).flatMap((state) => {
    const count = rows.filter((row) => row.state === state).length;
    return count === 0 ? [] : [`${count} ${state}`];
  });
  const things = rows.flatMap((row) => row.things);
  const kinds = removableKinds.flatMap((kind) => {
    const count = things.filter((resource) => resource.kind === kind).length;
    return count === 0 ? [] : [plural(count, resourceKinds[kind].noun)];
  });
  return `${plural(rows.length, 'session')} (${states.join(', ')}): ${kinds.join(', ')}`;
}

/** Returns the command to run next; `undefined` when all owners are alive. */
function hintFor(rows: readonly SessionRow[]): string | undefined {
  const has = (state: SessionRow['state']): boolean => rows.some((row) => row.state === state);
  if (has('dead')) return 'castoff sweep removes what dead owners left; --dry-run shows it first';
  if (has('unknown'))
    return 'castoff sweep --older-than 24h --other-hosts removes by age what owners left that cannot be checked from here';
  return undefined;
}
