import { stripVTControlCharacters } from 'node:util';

/** C0, DEL and C1, which terminals obey, line ends that are none to a person, and marks that turn the direction of what follows. */
const steering = /[\p{Cc}\u2028\u2029\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu;

/** `text` as one line that steers no terminal. */
export function safeForTerminal(text: string): string {
  return text.replaceAll(steering, '?');
}

/**
 * `text` as one line that neither a terminal nor GitHub's runner takes for a command, wherever in a log it is. The runner obeys
 * `::name::` at the beginning of a line, and `##[name]` anywhere.
 *
 * @see actions/runner, `ActionCommand.TryParseV2` and `TryParse`
 */
export function safeForLog(text: string): string {
  return safeForTerminal(text)
    .replace(/^(\s*):(?=:)/, '$1: ')
    .replaceAll('##[', '## [');
}

/** The same for a text of several lines. */
export function safeLinesForLog(text: string): string {
  return text
    .split('\n')
    .map((line) => line.split('\t').map(safeForTerminal).join('\t'))
    .map((line) => line.replace(/^(\s*):(?=:)/, '$1: ').replaceAll('##[', '## ['))
    .join('\n');
}

/** What a program has written on a terminal, without its colours, as one line for a log. */
export function safeOutput(text: string): string {
  return safeForLog(stripVTControlCharacters(text).replaceAll('\t', '  '));
}

/** `value` as JSON that parses to the same value, and that a terminal or a log prints as plain text. */
export function safeJson(value: unknown): string {
  return safeJsonText(JSON.stringify(value, undefined, 2));
}

/** The same of what is JSON already. Outside of its strings it has none of these but its line ends. */
export function safeJsonText(json: string): string {
  return json
    .replaceAll(steering, (character) => (character === '\n' ? character : escapeOf(character)))
    .replaceAll('##[', String.raw`#\u0023[`);
}

function escapeOf(character: string): string {
  return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;
}

/** `text` quoted as one argument of a POSIX shell command, on one line. */
export function quoteShellArgument(text: string): string {
  if (/^[\w@%+=:,./][\w@%+=:,./-]*$/.test(text)) return text;
  return `'${safeForLog(text).replaceAll("'", String.raw`'\''`)}'`;
}
