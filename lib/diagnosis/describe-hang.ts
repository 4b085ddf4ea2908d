import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Hang, Wait } from './find-hang';

/** Enough for a statement; the rest of the line is cut. */
const maxSourceChars = 80;
const maxLines = 5;

/** What else was seen while a test waited. */
export interface HangSurroundings {
  /** Starts that have not finished, and handles that the test has opened, as texts. */
  readonly open: readonly string[];
}

/**
 * Describes where a test waits, for its error. Claims that nothing can end a wait only where the heap proves
 * it, and that a function repeats only if it came back to its `await` between two looks.
 *
 * @param readLine - Returns the text of a line of source code. Default: reads its file.
 */
export function describeHang(
  { chain, others, abandonedAt, timers, betweenMs }: Hang,
  surroundings: HangSurroundings,
  readLine: (line: string) => string | undefined = sourceAt,
): string | undefined {
  const lines = chain.flatMap((wait, index) => {
    const verb = index === 0 ? 'waits' : 'called';
    const end = index === 0 ? describeEnd(wait, betweenMs) : undefined;
    return [`  ${describeWait(wait, verb, readLine)}`, ...(end === undefined ? [] : [`    ${end}`])];
  });
  if (abandonedAt !== undefined) lines.push(...describeAbandoned(abandonedAt, readLine));
  for (const wait of others) {
    const end = wait.repeats ? describeEnd(wait, betweenMs) : undefined;
    lines.push(`  beside it, ${describeWait(wait, 'waits', readLine)}`);
    if (end !== undefined) lines.push(`    ${end}`);
  }
  const open = [...surroundings.open, ...timers];
  lines.push(...open.slice(0, maxLines).map((text) => `  open: ${text}`));
  if (lines.length === 0) return undefined;
  return ['where it waits:', ...lines].join('\n');
}

/** @param lines - Where the function awaits something; at one of them, it waits. */
function describeAbandoned(
  lines: readonly string[],
  readLine: (line: string) => string | undefined,
): readonly string[] {
  const [only = ''] = lines;
  const source = lines.length === 1 ? readLine(only) : undefined;
  const place =
    lines.length === 0
      ? '  it waits for a promise that nothing refers to'
      : lines.length === 1
        ? `  waits at ${only}${source === undefined ? '' : `: ${source}`}`
        : `  waits at one of ${lines.slice(0, maxLines).join(', ')}${lines.length > maxLines ? ', …' : ''}`;
  return [
    place,
    '    nothing can wake it: what it waits for has been collected as garbage, so no code can settle it',
  ];
}

function describeWait(
  { name, line, isExact }: Wait,
  verb: string,
  readLine: (line: string) => string | undefined,
): string {
  const source = isExact ? readLine(line) : undefined;
  const what = name === '' ? '' : `${name} `;
  const place = isExact ? `at ${line}` : `in the function at ${line}`;
  return `${what}${verb} ${place}${source === undefined ? '' : `: ${source}`}`;
}

function describeEnd({ repeats, endedBy }: Wait, betweenMs: number): string | undefined {
  if (repeats)
    return `it loops: it came back to this line within ${betweenMs} ms, and what ends the loop has not happened yet`;
  if (endedBy === undefined) return undefined;
  if ('nothing' in endedBy)
    return 'nothing can wake it: no timer, no handle and no code that can still run can settle this promise';
  const path = endedBy.path
    ?.replace(/(a listener of '[^']*'(?: on \w+)?).*/, '$1')
    .replace(/(?: → (?:a function|Promise|\.resolve|\.reject))+$/, '');
  return path === undefined || path === 'a function' ? undefined : `what can settle it: ${path}`;
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
