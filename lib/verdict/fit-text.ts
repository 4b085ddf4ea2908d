/** Shortens `text` to at most `width` characters. It cuts the middle, because names differ at their ends. */
export function shortenMiddle(text: string, width: number): string {
  if (text.length <= width) return text;
  const tail = Math.floor((width - 1) / 2);
  const head = Math.max(0, width - 1 - tail);
  const end = tail === 0 ? '' : text.slice(-tail);
  // The cut may split a surrogate pair.
  return `${text.slice(0, head)}…${end}`.toWellFormed();
}

/** A column's natural and minimum width, in characters. */
export interface ColumnWidth {
  readonly natural: number;
  readonly least: number;
}

/**
 * Distributes `available` characters over columns: the widest column shrinks first, and none below its
 * minimum. Returns the widths; their sum exceeds `available` only if the minimum widths do.
 */
export function fitWidths(columns: readonly ColumnWidth[], available: number): readonly number[] {
  const widths = columns.map(({ natural, least }) =>
    Math.max(Math.min(natural, available), Math.min(natural, least)),
  );
  let excess = widths.reduce((sum, width) => sum + width, 0) - available;
  while (excess > 0) {
    const shrinkable = widths.map((width, column) => (width > (columns[column]?.least ?? 0) ? width : -1));
    const widest = shrinkable.indexOf(Math.max(...shrinkable));
    if ((shrinkable[widest] ?? -1) < 0) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
    excess -= 1;
  }
  return widths;
}

/** Wraps `text` into lines of at most `width` characters. A longer word gets a line of its own. */
export function wrapWords(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
