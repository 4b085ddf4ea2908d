import { styleText } from 'node:util';
import { safeForLog } from './safe-text';

/** A colour or style on a terminal. */
export type Colour = 'green' | 'red' | 'yellow' | 'bold' | 'dim';

/** A cell, and its colour on a terminal. */
export type Cell = string | { readonly text: string; readonly colour: Colour };

interface TableOptions {
  readonly indent?: string | undefined;
  /** Default: whether standard output supports colours and NO_COLOR is not set. */
  readonly hasColour?: boolean | undefined;
}

/**
 * Formats rows as aligned columns under a bold header, ending in a line end. Returns an empty string without
 * rows.
 */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly Cell[])[],
  { indent = '', hasColour }: TableOptions = {},
): string {
  if (rows.length === 0) return '';
  const lines: readonly (readonly Cell[])[] = [header.map((text) => ({ text, colour: 'bold' })), ...rows];
  const widths = header.map((_, column) =>
    lines.reduce((width, row) => Math.max(width, textOf(row[column]).length), 0),
  );
  const formatted = lines.map((row) => {
    const last = row.findLastIndex((cell) => textOf(cell) !== '');
    return row
      .slice(0, last + 1)
      .map((cell, column) => {
        const padding = column === last ? 0 : (widths[column] ?? 0) - textOf(cell).length;
        return `${paint(cell, hasColour)}${' '.repeat(padding)}`;
      })
      .join('  ');
  });
  return formatted.map((line) => `${indent}${line}\n`).join('');
}

/** Returns a cell's text with its colour. Default of `hasColour`: see {@link TableOptions}. */
export function paint(cell: Cell, hasColour?: boolean): string {
  if (typeof cell === 'string' || hasColour === false) return textOf(cell);
  const stream = hasColour === undefined ? { stream: process.stdout } : { validateStream: false };
  return styleText(cell.colour, textOf(cell), stream);
}

// Names and labels may contain control characters.
function textOf(cell: Cell | undefined): string {
  const text = typeof cell === 'object' ? cell.text : (cell ?? '');
  return safeForLog(text);
}
