import { paint, type Colour } from '../core/text-table';
import { shortenMiddle, wrapWords } from './fit-text';
import { fixesFor } from './advice';
import { formatLeakTable, type RenderOptions } from './leak-table';
import type { FinalState, UnremovedResource, ResourceRecord, Verdict } from './verdict';
import { formatCounts, displayName, describeCreator, plural } from './describe-record';

/** On a terminal. */
const mostLines = 20;
const longestLine = 1_000;
/** How wide prose is where the width does not matter. */
const proseColumns = 120;

/**
 * The verdict for people: nothing where nothing came to exist, one quiet line where all is well, else what happened, where, and
 * what to do. How to reach what is kept is for others to say. Ends with a line end.
 *
 * @param paper.columns - The terminal's width; `undefined`: it is no terminal, and nothing is cut.
 */
export function formatVerdict(verdict: Verdict, paper: RenderOptions): string {
  const parts = [
    leakPart(verdict, paper),
    leftPart(verdict.left, paper),
    failurePart(verdict.failures, paper),
    orphanPart(verdict, paper),
  ].filter((part) => part !== '');
  const told = parts.length === 0 ? [quietLine(verdict)] : parts;
  return [...told, diedPart(verdict, paper)].filter((part) => part !== '').join('\n');
}

function quietLine({ counts, ignored, kept }: Verdict): string {
  const words = formatCounts(counts);
  if (words === '') return '';
  const spared = kept.length === 0 ? '' : ` but ${kept.length} kept`;
  const pardoned = ignored.length === 0 ? '' : ` (${plural(ignored.length, 'leak')} ignored)`;
  return `castoff: ${words}, all gone${spared}${pardoned}\n`;
}

function leakPart({ leaks, mode, counts }: Verdict, paper: RenderOptions): string {
  if (leaks.length === 0) return '';
  const whose = leaks.length === 1 ? 'its' : 'their';
  const title = `${plural(leaks.length, 'leak')} among ${formatCounts(counts)}: still there when ${whose} test file had ended, in no scope`;
  const colour = mode === 'fail' ? 'red' : 'yellow';
  return `${heading(title, colour, paper)}\n${formatLeakTable(leaks, paper)}${floatingCalls(leaks, paper)}\n${list(fixesFor(leaks), paper)}`;
}

/** Why a leak that its code was about to end was still there. */
function floatingCalls(leaks: readonly ResourceRecord[], paper: RenderOptions): string {
  const lines = leaks.flatMap((leak) =>
    leak.floating === undefined ? [] : [`${displayName(leak)}: ${leak.floating} was not awaited`],
  );
  return lines.length === 0 ? '' : `\n${list(lines, paper)}`;
}

const looks: Readonly<Record<FinalState, string>> = {
  there: 'still on the engine',
  gone: 'gone now',
  unknown: 'unknown, the engine did not say whether it is there',
};

function leftPart(left: readonly UnremovedResource[], paper: RenderOptions): string {
  if (left.length === 0) return '';
  const [there, unknown] = (['there', 'unknown'] as const).map(
    (look) => left.filter(({ lastLook }) => lastLook === look).length,
  );
  const titles = [
    ...(there ? [`${plural(there, 'thing')} of this run could not be removed`] : []),
    ...(unknown
      ? [`whether ${plural(unknown, 'thing')} of this run ${unknown === 1 ? 'is' : 'are'} gone is not known`]
      : []),
  ];
  const late = `${plural(left.length, 'thing')} of this run could not be removed at first, and went later`;
  const title = titles.length === 0 ? late : titles.join('; ');
  const lines = left.map(({ thing, failure, lastLook }) => {
    const owner = describeCreator(thing) === '' ? '' : `, of '${describeCreator(thing)}'`;
    const place = thing.source === undefined ? '' : ` (${thing.source})`;
    const what = `${displayName(thing)}${thing.image === undefined ? '' : `, ${thing.image}`}${owner}${place}`;
    return `${what}: ${looks[lastLook]}${failure === undefined ? '' : `\n  ${failure}`}`;
  });
  const advice =
    titles.length > 0
      ? "See what is there with 'npx castoff ls'; 'npx castoff sweep' removes what is left of runs that have ended."
      : 'Something stood in the way while its test ended: a slow engine, a mount, or a test that replaces parts of node:http.';
  return `${heading(title, 'red', paper)}${list(lines, paper)}${prose(advice, paper)}`;
}

function failurePart(failures: readonly string[], paper: RenderOptions): string {
  if (failures.length === 0) return '';
  return `${heading(`${plural(failures.length, 'failure')} while the run closed`, 'red', paper)}${list(failures, paper)}`;
}

function orphanPart({ orphans, deadWorkers, left, failures }: Verdict, paper: RenderOptions): string {
  if (orphans.length === 0 && deadWorkers === 0) return '';
  const who = deadWorkers > 1 ? `${deadWorkers} workers` : 'a worker';
  const isAllKnown = left.length === 0 && failures.length === 0;
  const nothing = isAllKnown ? '; nothing was left of it' : '';
  const had = orphans.length === 0 ? nothing : '; what was left of it is gone';
  const lines = orphans.map((thing) => {
    const place = thing.source === undefined ? '' : ` (${thing.source})`;
    return `${displayName(thing)}, of '${describeCreator(thing)}'${place}`;
  });
  return `${heading(`${who} died in the middle of its tests${had}`, 'yellow', paper)}${list(lines, paper)}`;
}

function diedPart({ died }: Verdict, paper: RenderOptions): string {
  if (died.length === 0) return '';
  const lines = died.map((thing) => {
    const place = thing.source === undefined ? '' : ` (${thing.source})`;
    return `${displayName(thing)}, of '${describeCreator(thing)}'${place}: ${thing.died}`;
  });
  const title = `${plural(died.length, 'container')} had ended when a test that depends on ${died.length === 1 ? 'it' : 'them'} failed`;
  return `${heading(title, 'yellow', paper)}${list(lines, paper)}`;
}

function heading(text: string, colour: Colour, { columns = proseColumns, hasColour }: RenderOptions): string {
  return wrapWords(`castoff: ${text}`, columns)
    .map((line) => `${paint({ text: line, colour }, hasColour)}\n`)
    .join('');
}

function prose(text: string, { columns = proseColumns }: RenderOptions): string {
  return wrapWords(text, columns - 2)
    .map((line) => `  ${paint(line)}\n`)
    .join('');
}

function list(lines: readonly string[], { columns }: RenderOptions): string {
  const isCut = columns !== undefined;
  const shown = (isCut ? lines.slice(0, mostLines) : lines).flatMap((line) => line.split('\n'));
  const more = isCut && lines.length > mostLines ? [`… and ${lines.length - mostLines} more`] : [];
  return [...shown, ...more]
    .map((line) => `  ${paint(isCut ? shortenMiddle(line, longestLine) : line)}\n`)
    .join('');
}
