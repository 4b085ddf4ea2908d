import { cutText } from '../../core/cut-text';

/** The labels that one line of Ryuk's protocol names, or why it names none. */
export type RyukLine = { readonly labels: readonly string[] } | { readonly refusal: string };

/**
 * Reads `label=a=b&label=c=d`, raw or percent-encoded, in which all labels have to fit. A filter of any other type is
 * refused with its whole line: half of what somebody asked for is more than they own.
 *
 * @see moby-ryuk, url.ParseQuery: `+` is a blank, `;` is refused
 */
export function parseRyukLine(line: string): RyukLine {
  const labels: string[] = [];
  for (const part of line.split('&')) {
    if (part === '') continue;
    if (part.includes(';')) return { refusal: 'a semicolon; separate filters with &' };
    const at = part.indexOf('=');
    const type = decode(at === -1 ? part : part.slice(0, at));
    const value = at === -1 ? '' : decode(part.slice(at + 1));
    if (type === undefined || value === undefined)
      return { refusal: 'percent-encoding that does not decode' };
    if (type !== 'label')
      return { refusal: `a filter by ${JSON.stringify(cutText(type, 60))}; only labels can be claimed` };
    labels.push(value);
  }
  return { labels };
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    // URIError: a lone or broken `%`.
    return undefined;
  }
}
