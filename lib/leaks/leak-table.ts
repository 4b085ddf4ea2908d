import { formatTable } from '../core/table';
import { fitWidths, shortenMiddle } from './fit-text';
import type { ThingRecord } from './verdict';
import { endOf, lifeOf, nameOf, ownerOf } from './words';

export interface Paper {
  /** How many characters a line has room for. */
  readonly columns: number;
  readonly hasColour: boolean;
}

/** More rows than this nobody reads; all of them stand in the JSON. */
const mostRows = 50;
const indent = '  ';
const gap = 2;

interface Column {
  readonly title: string;
  /** Together with gaps and indent 80: a table gets no narrower. */
  readonly least: number;
  readonly text: (thing: ThingRecord) => string;
}

const columns: readonly Column[] = [
  { title: 'WHAT', least: 12, text: nameOf },
  { title: 'IMAGE', least: 7, text: ({ image }) => image ?? '' },
  { title: 'TEST', least: 12, text: ownerOf },
  // What an editor opens at a click, if it is whole: the last to give way.
  { title: 'LINE', least: 20, text: ({ source }) => source ?? '' },
  { title: 'LIVED', least: 7, text: lifeOf },
  { title: 'REMOVED', least: 10, text: endOf },
];

/** A row for each thing; on narrow paper names lose their middle. Ends with a line end. */
export function formatLeakTable(things: readonly ThingRecord[], paper: Paper): string {
  const shown = columns.filter(({ text }) => things.some((thing) => text(thing) !== ''));
  const rows = things.slice(0, mostRows).map((thing) => shown.map(({ text }) => text(thing)));
  const widths = fitWidths(
    shown.map(({ title, least }, column) => ({
      natural: Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
      least,
    })),
    paper.columns - indent.length - gap * (shown.length - 1),
  );
  const table = formatTable(
    shown.map(({ title }) => title),
    rows.map((row) => row.map((text, column) => shortenMiddle(text, widths[column] ?? 0))),
    { indent, hasColour: paper.hasColour },
  );
  const more = things.length - rows.length;
  return more > 0 ? `${table}${indent}… and ${more} more\n` : table;
}
