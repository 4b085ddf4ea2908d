import { formatTable } from '../core/text-table';
import { fitWidths, shortenMiddle } from './fit-text';
import type { ResourceRecord } from './verdict';
import { describeEnd, formatLifetime, displayName, describeCreator } from './describe-record';

export interface RenderOptions {
  /** How many characters a line has room for; `undefined`: no terminal, and nothing is cut. */
  readonly columns: number | undefined;
  readonly hasColour: boolean;
}

/** On a terminal; all of them are in a log, and in the JSON. */
const mostRows = 50;
const indent = '  ';
const gap = 2;

interface Column {
  readonly title: string;
  /** In characters; a column that is narrower by itself stays so. */
  readonly least: number;
  readonly text: (thing: ResourceRecord) => string;
}

const columns: readonly Column[] = [
  { title: 'WHAT', least: 12, text: displayName },
  { title: 'IMAGE', least: 7, text: ({ image }) => image ?? '' },
  { title: 'TEST', least: 12, text: describeCreator },
  // What an editor opens at a click, if it is whole.
  { title: 'LINE', least: Infinity, text: ({ source }) => source ?? '' },
  { title: 'LIVED', least: 7, text: formatLifetime },
  { title: 'REMOVED', least: 10, text: describeEnd },
];

/** A row for each thing; on a narrow terminal names lose their middle, but where two rows would be alike. Ends with a line end. */
export function formatLeakTable(
  things: readonly ResourceRecord[],
  { columns: room, hasColour }: RenderOptions,
): string {
  const shown = columns.filter(({ text }) => things.some((thing) => text(thing) !== ''));
  const full = things
    .slice(0, room === undefined ? undefined : mostRows)
    .map((thing) => shown.map(({ text }) => text(thing)));
  const rows =
    room === undefined ? full : fitRows(full, shown, room - indent.length - gap * (shown.length - 1));
  const table = formatTable(
    shown.map(({ title }) => title),
    rows,
    { indent, hasColour },
  );
  const more = things.length - rows.length;
  return more > 0 ? `${table}${indent}… and ${more} more\n` : table;
}

type Row = readonly string[];

function fitRows(rows: readonly Row[], shown: readonly Column[], available: number): readonly Row[] {
  const widths = fitWidths(
    shown.map(({ title, least }, column) => {
      const natural = Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0));
      return { natural, least: Math.min(least, natural) };
    }),
    available,
  );
  const cut = rows.map((row) => row.map((text, column) => shortenMiddle(text, widths[column] ?? 0)));
  const alike = Map.groupBy(cut, (row) => row.join('\0'));
  return cut.map((row, at) => ((alike.get(row.join('\0'))?.length ?? 0) > 1 ? (rows[at] ?? row) : row));
}
