import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { AloneWait, Hang, Wait, WaitEnd } from './hang';

/** Enough for a statement; the rest of the line is cut. */
const maxSourceChars = 80;
const maxLines = 5;

/** What else was seen while a test waited. */
export interface HangSurroundings {
  /** Starts, closes and requests that have not finished, and handles that the test has opened, as texts. */
  readonly open: readonly string[];
}

type ReadLine = (line: string) => string | undefined;

/**
 * Describes where a test waits, for its error. Claims that nothing can end a wait only where the heap proves
 * it, and that a function loops only if it came back to its `await` between two looks.
 *
 * @param readLine - Returns the text of a line of source code. Default: reads its file.
 */
export function describeHang(
  { chain, others, alone, timers, isUnmoved, betweenMs }: Hang,
  surroundings: HangSurroundings,
  readLine: ReadLine = sourceAt,
): string | undefined {
  const ends = (wait: Wait): readonly string[] => indent(describeEnd(wait, betweenMs));
  const lines = chain.flatMap((wait) => {
    const isCaller = wait.endedBy === undefined && chain.length > 1;
    return [`  ${describeWait(wait, isCaller ? 'called' : 'waits', readLine)}`, ...ends(wait)];
  });
  if (alone !== undefined) lines.push(...describeAlone(alone, readLine));
  if (lines.length > 0 && isUnmoved) lines.push(`  looked at twice, ${betweenMs} ms apart: unmoved`);
  for (const wait of others)
    lines.push(`  beside it, ${describeWait(wait, 'waits', readLine)}`, ...ends(wait));
  const open = [...surroundings.open, ...timers];
  lines.push(...open.slice(0, maxLines).map((text) => `  open: ${text}`));
  if (lines.length === 0) return undefined;
  return ['where it waits:', ...lines].join('\n');
}

function indent(text: string | undefined): readonly string[] {
  return text === undefined ? [] : [`    ${text}`];
}

function describeAlone(
  { line, awaitLines, waitsFor, endedBy }: AloneWait,
  readLine: ReadLine,
): readonly string[] {
  if (waitsFor === 'done') {
    const nothing = 'nothing can wake it: no timer, no handle and no code that can still run can call done';
    const at =
      line === undefined
        ? ''
        : ` of the function at ${line}${readLine(line) === undefined ? '' : `: ${readLine(line)}`}`;
    return [
      `  waits for the callback done${at}`,
      ...indent(describePath(endedBy, 'what can call it', nothing)),
    ];
  }
  const nothing =
    'nothing can wake it: what it waits for has been collected as garbage, so no code can settle it';
  return [
    `  ${describePlace(line, awaitLines, readLine)}`,
    ...indent(describePath(endedBy, 'what can settle it', nothing)),
  ];
}

/** @param lines - Where the function awaits something; at one of them, it waits. */
function describePlace(line: string | undefined, lines: readonly string[], readLine: ReadLine): string {
  const [only = line] = lines;
  if (only === undefined) return 'waits for a promise that nothing refers to';
  if (lines.length > 1)
    return `waits at one of ${lines.slice(0, maxLines).join(', ')}${lines.length > maxLines ? ', …' : ''}`;
  const place = lines.length === 0 ? 'waits for the promise of the function at' : 'waits at';
  const source = readLine(only);
  return `${place} ${only}${source === undefined ? '' : `: ${source}`}`;
}

function describeWait({ name, line, isExact }: Wait, verb: string, readLine: ReadLine): string {
  const source = isExact ? readLine(line) : undefined;
  const what = name === '' ? '' : `${name} `;
  const place = isExact ? `at ${line}` : `in the function at ${line}`;
  return `${what}${verb} ${place}${source === undefined ? '' : `: ${source}`}`;
}

function describeEnd({ name, loop, endedBy }: Wait, betweenMs: number): string | undefined {
  const unless = 'what ends the loop has not happened yet';
  if (loop === name) return `it loops: it came back to this line within ${betweenMs} ms, and ${unless}`;
  if (loop !== undefined)
    return `it loops in ${loop || 'a function of a package'}, which came back to its await within ${betweenMs} ms: ${unless}`;
  if (endedBy === undefined) return undefined;
  return describePath(
    endedBy,
    'what can settle it',
    'nothing can wake it: no timer, no handle and no code that can still run can settle this promise',
  );
}

/** @param nothing - The text for a wait that nothing can end. */
function describePath(endedBy: WaitEnd, title: string, nothing: string): string | undefined {
  if ('nothing' in endedBy) return nothing;
  const path = endedBy.path
    ?.replace(/(a listener of '[^']*'(?: on \w+)?).*/, '$1')
    .replace(
      /(?: → (?:a function|Promise|\.resolve|\.reject|variable (?:resolve|reject|done)|function done(?: \([^)]*\))?))+$/,
      '',
    );
  return path === undefined || path === 'a function' ? undefined : `${title}: ${path}`;
}

/** Returns the source code of a line `file:line`. */
function sourceAt(at: string): string | undefined {
  const [, file = '', line = ''] = /^(.*):(\d+)$/.exec(at) ?? [];
  try {
    const text = readFileSync(resolve(file), 'utf8').split('\n')[Number(line) - 1]?.trim() ?? '';
    return text.length > maxSourceChars ? `${text.slice(0, maxSourceChars)}…` : text || undefined;
  } catch {
    // ENOENT: the source is not on disk, only what was made from it.
    return undefined;
  }
}
