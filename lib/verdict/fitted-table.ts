import { formatTable, type Cell, type Colour } from '../core/text-table';
import { fitWidths, shortenMiddle } from './fit-text';

/** How to format text for a terminal or a log. */
export interface RenderOptions {
  /** Width of the terminal, in characters; `undefined` means no terminal, and nothing is shortened. */
  readonly columns: number | undefined;
  /** Default: as {@link formatTable} decides for standard output. */
  readonly hasColour?: boolean | undefined;
}

/** How to format a table. */
interface FittedTableOptions extends RenderOptions {
  /** Limit on a terminal. A log and the JSON report list all rows. Default 50. */
  readonly maxRows?: number | undefined;
  /** Default: two spaces. */
  readonly indent?: string | undefined;
}

/** A column of {@link formatFittedTable}. */
export interface FittedColumn<T> {
  readonly title: string;
  /** Minimum width when the table is shortened, in characters. */
  readonly least: number;
  readonly text: (record: T) => string;
  readonly colour?: ((record: T) => Colour) | undefined;
  /** Whether it is left out where even the minimum widths do not fit; the last such column goes first. */
  readonly isOptional?: boolean | undefined;
}

const gap = 2;

/**
 * Formats a table with one row per record. On a narrow terminal, optional columns are left out and the middle of long
 * names is cut, unless two rows would then read the same. Columns that are empty in each row are left out. The text ends with a newline.
 */
export function formatFittedTable<T>(
  columns: readonly FittedColumn<T>[],
  records: readonly T[],
  { columns: available, hasColour, maxRows = 50, indent = '  ' }: FittedTableOptions,
): string {
  const filled = columns.filter(({ text }) => records.some((record) => text(record) !== ''));
  const shown = available === undefined ? filled : fitColumns(filled, available - indent.length);
  const full = records
    .slice(0, available === undefined ? undefined : maxRows)
    .map((record) => shown.map(({ text }) => text(record)));
  const rows =
    available === undefined
      ? full
      : fitRows(full, shown, available - indent.length - gap * (shown.length - 1));
  const table = formatTable(
    shown.map(({ title }) => title),
    rows.map((row, at) => row.map((text, column) => cellOf(text, shown[column], records[at]))),
    { indent, hasColour },
  );
  const more = records.length - rows.length;
  return more > 0 ? `${table}${indent}… and ${more} more\n` : table;
}

function fitColumns<T>(columns: readonly FittedColumn<T>[], available: number): readonly FittedColumn<T>[] {
  const leastWidth = columns.reduce((sum, { least }) => sum + least, gap * (columns.length - 1));
  const last = columns.findLastIndex(({ isOptional }) => isOptional === true);
  if (leastWidth <= available || last < 0) return columns;
  return fitColumns(columns.toSpliced(last, 1), available);
}

function cellOf<T>(text: string, column: FittedColumn<T> | undefined, record: T | undefined): Cell {
  return column?.colour === undefined || record === undefined
    ? text
    : { text, colour: column.colour(record) };
}

type Row = readonly string[];

function fitRows(
  rows: readonly Row[],
  shown: readonly Pick<FittedColumn<never>, 'title' | 'least'>[],
  available: number,
): readonly Row[] {
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
