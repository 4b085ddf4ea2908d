import { formatTable } from '../core/text-table';
import { fitWidths, shortenMiddle } from './fit-text';
import type { ResourceRecord } from './verdict';
import { describeRemoval, formatLifetime, displayName, describeCreator } from './describe-record';

/** How to format text for a terminal or a log. */
export interface RenderOptions {
  /** Width of the terminal, in characters; `undefined` means no terminal, and nothing is shortened. */
  readonly columns: number | undefined;
  readonly hasColour: boolean;
}

/** Limit on a terminal. A log and the JSON report list all rows. */
const maxRows = 50;
const indent = '  ';
const gap = 2;

interface Column {
  readonly title: string;
  /** Minimum width when the table is shortened, in characters. */
  readonly least: number;
  readonly text: (record: ResourceRecord) => string;
}

const columns: readonly Column[] = [
  { title: 'RESOURCE', least: 12, text: displayName },
  { title: 'IMAGE', least: 7, text: ({ image }) => image ?? '' },
  { title: 'TEST', least: 12, text: describeCreator },
  // Never shortened: terminals and editors open it at a click.
  { title: 'LINE', least: Infinity, text: ({ owner }) => owner.source ?? '' },
  { title: 'LIVED', least: 7, text: formatLifetime },
  { title: 'REMOVED', least: 10, text: describeRemoval },
];

/**
 * Formats a table with one row per resource. On a narrow terminal, the middle of long names is cut, unless
 * two rows would then read the same. The text ends with a newline.
 */
export function formatLeakTable(
  records: readonly ResourceRecord[],
  { columns: available, hasColour }: RenderOptions,
): string {
  const shown = columns.filter(({ text }) => records.some((record) => text(record) !== ''));
  const full = records
    .slice(0, available === undefined ? undefined : maxRows)
    .map((record) => shown.map(({ text }) => text(record)));
  const rows =
    available === undefined
      ? full
      : fitRows(full, shown, available - indent.length - gap * (shown.length - 1));
  const table = formatTable(
    shown.map(({ title }) => title),
    rows,
    { indent, hasColour },
  );
  const more = records.length - rows.length;
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
  const byText = Map.groupBy(cut, (row) => row.join('\0'));
  return cut.map((row, at) => ((byText.get(row.join('\0'))?.length ?? 0) > 1 ? (rows[at] ?? row) : row));
}
