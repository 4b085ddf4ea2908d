/** One simple command as a POSIX shell reads it. */
export interface ShellCommand {
  /** What stands before the command's name: `NAME=value`. */
  readonly env: Readonly<Record<string, string>>;
  /** With the command's own name in front. */
  readonly words: readonly string[];
  /** Where in the text each of them ends. */
  readonly ends: readonly number[];
}

interface Word {
  readonly text: string;
  readonly end: number;
  /** Where a `=` makes it an assignment, and no part of that is quoted. */
  readonly name?: string | undefined;
}

// A shell does more with these, where they are not quoted, than to read words: other commands, expansions, globs, comments.
const moreThanWords = /[;|&$`()<>*?[\]{}~#!\s]/;

/**
 * Reads the text of one simple command whose words stand in it as they are; `undefined`: it is something else, or it takes a shell to
 * say what its words are.
 *
 * @see POSIX, Shell Command Language: 2.2 Quoting, 2.3 Token Recognition, 2.9.1 Simple Commands
 */
export function readShellCommand(text: string): ShellCommand | undefined {
  const words: Word[] = [];
  // A line that ends is the end of the command: it may stand where nothing more comes.
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

/** The text with `words` put in before the word that is number `at`, quoted; the rest of it stays as it is. */
export function insertShellWords(
  text: string,
  { ends }: ShellCommand,
  at: number,
  words: readonly string[],
): string {
  const place = ends[at - 1] ?? text.length;
  return text.slice(0, place) + words.map((word) => ` ${quoteShellWord(word)}`).join('') + text.slice(place);
}

/** The word as a shell reads it back. */
export function quoteShellWord(word: string): string {
  return /^[\w./:,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

/** The word that begins at `at`; `undefined`: none does, it is not plain, or it has no end. */
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
  return moreThanWords.test(first) ? undefined : { text: first, length: 1 };
}

/** A backslash before the end of a line goes on in the next one. */
function withoutNewline(escaped: string): string {
  return escaped === '\n' ? '' : escaped;
}
