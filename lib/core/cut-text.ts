/** Truncates `text` to `maxLength` characters, so that input from clients cannot fill a log. */
export function cutText(text: string, maxLength: number): string {
  return text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
}
