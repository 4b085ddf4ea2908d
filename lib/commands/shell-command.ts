import { singleQuote } from '../core/shell-quote';

/** A single simple command, as a POSIX shell parses it. */
interface ShellCommand {
  /** The assignments before the command: `NAME=value`. */
  readonly env: Readonly<Record<string, string>>;
  /** Includes the name of the command. */
  readonly words: readonly string[];
  /** The end offset of each word in the text. */
  readonly ends: readonly number[];
}

interface Word {
  readonly text: string;
  readonly end: number;
  /** The variable name, if the word is an assignment whose name is not quoted. */
  readonly name?: string | undefined;
}

// Unquoted, these start other commands, expansions, globs or comments.
const specialCharacters = /[;|&$`()<>*?[\]{}~#!\s]/;

/**
 * Parses the text of a single simple command with literal words. Returns `undefined` for anything that only a
 * shell can expand.
 *
 * @see POSIX, Shell Command Language: 2.2 Quoting, 2.3 Token Recognition, 2.9.1 Simple Commands
 */
export function readShellCommand(text: string): ShellCommand | undefined {
  const words: Word[] = [];
  // A newline ends the command, so it may only be at the start or the end of the text.
  let at = /^[ \t\n]*/.exec(text)?.[0].length ?? 0;
  const endsAt = text.replace(/[ \t\n]+$/, '').length;
  while (at < text.length) {
    const blank = /^(?:[ \t]|\\\n)+/.exec(text.slice(at));
    if (blank !== null) at += blank[0].length;
    else if (at >= endsAt) break;
    else {
      const word = readWord(text, at);
      if (word === undefined) return undefined;
      words.push(word);
      at = word.end;
    }
  }
  const first = words.findIndex(({ name }) => name === undefined);
  if (first === -1) return undefined;
  const assigned = words
    .slice(0, first)
    .map(({ text: whole, name = '' }) => [name, whole.slice(name.length + 1)] as const);
  const own = words.slice(first);
  return {
    env: Object.fromEntries(assigned),
    words: own.map((word) => word.text),
    ends: own.map(({ end }) => end),
  };
}

/** Inserts `words`, quoted, before word number `at` of the text and leaves the rest unchanged. */
export function insertShellWords(
  text: string,
  { ends }: ShellCommand,
  at: number,
  words: readonly string[],
): string {
  const offset = ends[at - 1] ?? text.length;
  return (
    text.slice(0, offset) + words.map((word) => ` ${quoteShellWord(word)}`).join('') + text.slice(offset)
  );
}

/** Quotes a word for a POSIX shell, if necessary. */
export function quoteShellWord(word: string): string {
  return /^[\w./:,@%+-]+$/.test(word) ? word : singleQuote(word);
}

/**
 * Parses the word at `at`. Returns `undefined` if there is none, or if it needs expansion or is not
 * terminated.
 */
function readWord(text: string, at: number): Word | undefined {
  const name = /^([A-Za-z_]\w*)=/.exec(text.slice(at))?.[1];
  let word = '';
  let end = at;
  for (;;) {
    const next = text[end];
    if (next === undefined || /[ \t\n]/.test(next)) return end === at ? undefined : { text: word, end, name };
    const piece = readPiece(text.slice(end), next);
    if (piece === undefined) return undefined;
    word += piece.text;
    end += piece.length;
  }
}

function readPiece(
  rest: string,
  first: string,
): { readonly text: string; readonly length: number } | undefined {
  if (first === "'") {
    const quoted = /^'([^']*)'/.exec(rest);
    return quoted === null ? undefined : { text: quoted[1] ?? '', length: quoted[0].length };
  }
  if (first === '"') {
    const quoted = /^"((?:[^"\\$`]|\\[^])*)"/.exec(rest);
    if (quoted === null) return undefined;
    const text = (quoted[1] ?? '').replaceAll(/\\([$`"\\\n])/g, (_, escaped: string) =>
      withoutNewline(escaped),
    );
    return { text, length: quoted[0].length };
  }
  if (first === '\\') {
    const escaped = rest[1];
    return escaped === undefined ? undefined : { text: withoutNewline(escaped), length: 2 };
  }
  return specialCharacters.test(first) ? undefined : { text: first, length: 1 };
}

/** A backslash before a newline continues the line. */
function withoutNewline(escaped: string): string {
  return escaped === '\n' ? '' : escaped;
}
