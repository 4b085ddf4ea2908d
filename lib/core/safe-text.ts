import { stripVTControlCharacters } from 'node:util';

/** C0, DEL and C1 control characters, Unicode line separators, and marks that change the text direction. */
const unsafe = /[\p{Cc}\u2028\u2029\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu;

/** Returns `text` as one line without control characters, safe to print on a terminal. */
export function safeForTerminal(text: string): string {
  return text.replaceAll(unsafe, '?');
}

/**
 * Returns `text` as one line that neither a terminal nor GitHub's runner interprets as a command. The runner
 * executes `::name::` at the start of a line, and `##[name]` anywhere.
 *
 * @see actions/runner, `ActionCommand.TryParseV2` and `TryParse`
 */
export function safeForLog(text: string): string {
  return safeForTerminal(text)
    .replace(/^(\s*):(?=:)/, '$1: ')
    .replaceAll('##[', '## [');
}

/** Does the same for a text of several lines. */
export function safeLinesForLog(text: string): string {
  return text
    .split('\n')
    .map((line) => line.split('\t').map(safeForTerminal).join('\t'))
    .map((line) => line.replace(/^(\s*):(?=:)/, '$1: ').replaceAll('##[', '## ['))
    .join('\n');
}

/** Returns a program's output as one line for a log, without colours. */
export function safeOutput(text: string): string {
  return safeForLog(stripVTControlCharacters(text).replaceAll('\t', '  '));
}

/**
 * Formats `value` as JSON without characters that a terminal or a log interprets; it parses to the same
 * value.
 */
export function safeJson(value: unknown): string {
  return safeJsonText(JSON.stringify(value, undefined, 2));
}

/** Escapes those characters in existing JSON, where they occur only in strings; line ends stay. */
export function safeJsonText(json: string): string {
  return json
    .replaceAll(unsafe, (character) => (character === '\n' ? character : escapeCharacter(character)))
    .replaceAll('##[', String.raw`#\u0023[`);
}

function escapeCharacter(character: string): string {
  return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;
}
