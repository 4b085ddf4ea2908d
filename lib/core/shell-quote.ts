import { safeForLog } from './safe-text';

/** Quotes `text` for a POSIX shell: one word, without expansions. */
export function singleQuote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** Quotes `text`, if necessary, as one argument of a shell command that is printed on one line. */
export function quoteShellArgument(text: string): string {
  if (/^[\w@%+=:,./][\w@%+=:,./-]*$/.test(text)) return text;
  return singleQuote(safeForLog(text));
}

/** Formats a command as typed in a shell, with arguments quoted where needed. */
export function formatCommand(command: string, args: readonly string[]): string {
  return [command, ...args].map((arg) => (plain.test(arg) ? arg : singleQuote(arg))).join(' ');
}

const plain = /^[\w./:=@%+,~-]+$/;
