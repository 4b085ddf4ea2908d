/** `text` in at most `width` characters: what is too long loses its middle, because names differ at their ends. */
export function shortenMiddle(text: string, width: number): string {
  if (text.length <= width) return text;
  const tail = Math.floor((width - 1) / 2);
  const head = Math.max(0, width - 1 - tail);
  const end = tail === 0 ? '' : text.slice(-tail);
  // Half of a character may be what is left at the cut.
  return `${text.slice(0, head)}…${end}`.toWellFormed();
}

/** How wide a column would be, and how narrow it may get. */
export interface ColumnWidth {
  readonly natural: number;
  readonly least: number;
}

/** Widths that come to `available` together: the widest gives way first, none below its least. */
export function fitWidths(columns: readonly ColumnWidth[], available: number): readonly number[] {
  const widths = columns.map(({ natural, least }) =>
    Math.max(Math.min(natural, available), Math.min(natural, least)),
  );
  let excess = widths.reduce((sum, width) => sum + width, 0) - available;
  while (excess > 0) {
    const room = widths.map((width, column) => (width > (columns[column]?.least ?? 0) ? width : -1));
    const widest = room.indexOf(Math.max(...room));
    if ((room[widest] ?? -1) < 0) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
    excess -= 1;
  }
  return widths;
}

/** `text` in lines of at most `width` characters, as far as its words allow. */
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
