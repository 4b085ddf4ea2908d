/** `text`, or its beginning where it has more than `most` characters: what clients send must not fill a log. */
export function cutText(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}
