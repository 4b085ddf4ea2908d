import { paint, type Colour } from '../core/text-table';
import { shortenMiddle, wrapWords } from './fit-text';
import { describeFixes } from './describe-fixes';
import type { RenderOptions } from './fitted-table';
import { describeHandleFixes, formatHandleTable } from './handle-table';
import { formatLeakTable } from './leak-table';
import type { FinalState, UnremovedResource, ResourceRecord, Verdict } from './verdict';
import { plural } from '../core/plural';
import { formatCounts, displayName, describeCreator } from './describe-record';

/** Limits of a list on a terminal. */
const maxLines = 20;
const maxLineLength = 1_000;
/** Width of prose when the output is not a terminal. */
const proseColumns = 120;

/**
 * Formats the verdict for people: the empty string if nothing was created, one line if nothing went wrong,
 * otherwise what happened, where, and what to do. The text ends with a newline. It does not describe kept
 * resources.
 *
 * @param options.columns - Width of the terminal in characters; `undefined` means no terminal, and nothing is
 * shortened.
 */
export function formatVerdict(verdict: Verdict, options: RenderOptions): string {
  const problems = [
    formatLeaks(verdict, options),
    formatUnremoved(verdict.left, options),
    formatFailures(verdict.failures, options),
    formatOrphans(verdict, options),
  ].filter((part) => part !== '');
  const parts = problems.length === 0 ? [formatSummary(verdict)] : problems;
  return [...parts, formatHandles(verdict, options), formatDied(verdict, options)]
    .filter((part) => part !== '')
    .join('\n');
}

function formatSummary({ counts, ignored, kept }: Verdict): string {
  const created = formatCounts(counts);
  if (created === '') return '';
  const exceptKept = kept.length === 0 ? '' : ` except ${kept.length} kept`;
  const andIgnored = ignored.length === 0 ? '' : ` (${plural(ignored.length, 'leak')} ignored)`;
  return `castoff: ${created}, all gone${exceptKept}${andIgnored}\n`;
}

function formatLeaks(
  { leaks, mode, counts, creator = 'tests', runner }: Verdict,
  options: RenderOptions,
): string {
  if (leaks.length === 0) return '';
  const whose = leaks.length === 1 ? 'its' : 'their';
  const when = {
    tests: `after ${whose} test file finished, and not owned by a scope`,
    command: 'when the command ended',
  };
  const title = `${plural(leaks.length, 'leak')} among ${formatCounts(counts)}: still present ${when[creator]}`;
  const colour = mode === 'fail' ? 'red' : 'yellow';
  return `${heading(title, colour, options)}\n${formatLeakTable(leaks, options)}${formatFloatingCalls(leaks, options)}\n${list(describeFixes(leaks, creator, runner), options)}`;
}

function formatFloatingCalls(leaks: readonly ResourceRecord[], options: RenderOptions): string {
  const lines = leaks.flatMap((leak) =>
    leak.floating === undefined ? [] : [`${displayName(leak)}: ${leak.floating} was not awaited`],
  );
  return lines.length === 0 ? '' : `\n${list(lines, options)}`;
}

const finalStates: Readonly<Record<FinalState, string>> = {
  there: 'still on the engine',
  gone: 'gone at the end of the run',
  unknown: 'may still exist, the engine did not confirm its removal',
};

function formatUnremoved(left: readonly UnremovedResource[], options: RenderOptions): string {
  if (left.length === 0) return '';
  const [there, unknown] = (['there', 'unknown'] as const).map(
    (state) => left.filter(({ lastLook }) => lastLook === state).length,
  );
  const titles = [
    ...(there ? [`${plural(there, 'resource')} of this run could not be removed`] : []),
    ...(unknown ? [`${plural(unknown, 'resource')} of this run may still exist`] : []),
  ];
  const late = `${plural(left.length, 'resource')} of this run could not be removed at first`;
  const title = titles.length === 0 ? late : titles.join('; ');
  const lines = left.map((resource) => {
    const { failure, lastLook } = resource;
    const image = resource.image === undefined ? '' : `, ${resource.image}`;
    const state = `${displayName(resource)}${image}${creationOf(resource)}: ${finalStates[lastLook]}`;
    return failure === undefined ? state : `${state}\n  ${failure}`;
  });
  const advice =
    titles.length > 0
      ? "List what is left with 'npx castoff ls', and remove it with 'npx castoff sweep'."
      : 'Something blocked the first attempt: a slow engine, a busy mount, or a test that mocks parts of node:http.';
  return `${heading(title, 'red', options)}${list(lines, options)}${prose(advice, options)}`;
}

function formatFailures(failures: readonly string[], options: RenderOptions): string {
  if (failures.length === 0) return '';
  const title = `${plural(failures.length, 'error')} while closing the run`;
  return `${heading(title, 'red', options)}${list(failures, options)}`;
}

function formatOrphans({ orphans, deadWorkers, left, failures }: Verdict, options: RenderOptions): string {
  if (orphans.length === 0 && deadWorkers === 0) return '';
  const [who, whose, pronoun] =
    deadWorkers > 1 ? [`${deadWorkers} workers`, 'their', 'they'] : ['a worker', 'its', 'it'];
  const isAllRemoved = left.length === 0 && failures.length === 0;
  const nothingLeft = isAllRemoved ? `; ${pronoun} left nothing` : '';
  const result = orphans.length === 0 ? nothingLeft : `; ${whose} resources have been removed`;
  const lines = orphans.map((resource) => `${displayName(resource)}${creationOf(resource)}`);
  const title = `${who} died while running ${whose} tests${result}`;
  return `${heading(title, 'yellow', options)}${list(lines, options)}`;
}

function formatHandles({ handles, handleMode, runner }: Verdict, options: RenderOptions): string {
  if (handles.length === 0) return '';
  const total = handles.reduce((sum, { count }) => sum + count, 0);
  const owners = handles.every(({ scope }) => scope === 'run') ? 'the run' : 'their test file';
  const [are, whose] = total === 1 ? ['was', owners.replace('their', 'its')] : ['were', owners];
  const title = `${plural(total, 'handle')} ${are} still open after ${whose} had finished`;
  const colour = handleMode === 'fail' ? 'red' : 'yellow';
  return `${heading(title, colour, options)}\n${formatHandleTable(handles, options)}\n${list(describeHandleFixes(handles, runner), options)}`;
}

function formatDied({ died }: Verdict, options: RenderOptions): string {
  if (died.length === 0) return '';
  const lines = died.map((resource) => `${displayName(resource)}${creationOf(resource)}: ${resource.died}`);
  const title = `${plural(died.length, 'container')} had died when a test that depends on ${died.length === 1 ? 'it' : 'them'} failed`;
  return `${heading(title, 'yellow', options)}${list(lines, options)}`;
}

/** Formats where a resource was created: `, created in 'users inserts' (db.spec.ts:12)`. */
function creationOf({ owner }: Pick<ResourceRecord, 'owner'>): string {
  const creator = describeCreator({ owner });
  const place = owner.source === undefined ? '' : ` (${owner.source})`;
  return creator === '' ? place : `, created in '${creator}'${place}`;
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
  const shown = (isCut ? lines.slice(0, maxLines) : lines).flatMap((line) => line.split('\n'));
  const more = isCut && lines.length > maxLines ? [`… and ${lines.length - maxLines} more`] : [];
  return [...shown, ...more]
    .map((line) => `  ${paint(isCut ? shortenMiddle(line, maxLineLength) : line)}\n`)
    .join('');
}
