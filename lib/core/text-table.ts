import { styleText } from 'node:util';
import { safeForLog } from './safe-text';

export type Colour = 'green' | 'red' | 'yellow' | 'bold' | 'dim';

/** A cell, with the colour that it has on a terminal. */
export type Cell = string | { readonly text: string; readonly colour: Colour };

export interface TableOptions {
  readonly indent?: string | undefined;
  /** Default: what standard output can show, if nobody said NO_COLOR. */
  readonly hasColour?: boolean | undefined;
}

/** Lines with columns under each other; the header is bold on a terminal. Ends with a line end; nothing for no rows. */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly Cell[])[],
  { indent = '', hasColour }: TableOptions = {},
): string {
  if (rows.length === 0) return '';
  const all: readonly (readonly Cell[])[] = [header.map((text) => ({ text, colour: 'bold' })), ...rows];
  const widths = header.map((_, column) =>
    all.reduce((widest, row) => Math.max(widest, textOf(row[column]).length), 0),
  );
  const lines = all.map((row) => {
    const last = row.findLastIndex((cell) => textOf(cell) !== '');
    return row
      .slice(0, last + 1)
      .map((cell, column) => {
        const padding = column === last ? 0 : (widths[column] ?? 0) - textOf(cell).length;
        return `${paint(cell, hasColour)}${' '.repeat(padding)}`;
      })
      .join('  ');
  });
  return lines.map((line) => `${indent}${line}\n`).join('');
}

/** As it is printed: with its colour where there is one, by default on a terminal that has some, if nobody said NO_COLOR. */
export function paint(cell: Cell, hasColour?: boolean): string {
  if (typeof cell === 'string' || hasColour === false) return textOf(cell);
  const stream = hasColour === undefined ? { stream: process.stdout } : { validateStream: false };
  return styleText(cell.colour, textOf(cell), stream);
}

// Names and labels are anybody's.
function textOf(cell: Cell | undefined): string {
  const text = typeof cell === 'object' ? cell.text : (cell ?? '');
  return safeForLog(text);
}
